import { count, milliseconds } from '../../report/numbers.ts'
import type { Comparison } from '../measures.ts'
import {
  type Check,
  type InterleavingResult,
  type Results,
  type ScenarioResult,
  type StageResult,
  worst,
} from '../results.ts'

/** What the page and the terminal say alike: the sentence under the verdict, the findings, the figures of a scenario. */

/** A sign beside the word, never instead of it. */
export const SIGNS: Readonly<Record<AnyVerdict, string>> = {
  PASS: '✓',
  FAIL: '✗',
  INCONCLUSIVE: '?',
  'NOT SHOWN': '–',
  SKIPPED: '–',
}

export type AnyVerdict = StageResult['verdict'] | Results['guarantees'][number]['verdict']

/** The word of a verdict with its sign. */
export function withSign(verdict: AnyVerdict): string {
  return `${SIGNS[verdict]} ${verdict}`
}

/** The one sentence that explains the verdict. */
export function sentenceOf(results: Results): string {
  if (results.verdict === 'PASS') return passSentence(results)
  return findingsOf(results)[0]?.sentence ?? results.reasons[0] ?? 'The run gave no reason.'
}

/** The reasons that the sentence leaves out. */
export function furtherReasons(results: Results): readonly string[] {
  const sentence = sentenceOf(results)
  // Of a target each is beside its scenario, and the findings have the first of each promise.
  return results.target === undefined ? results.reasons.filter((reason) => reason !== sentence) : []
}

function passSentence(results: Results): string {
  const { guarantees, sabotage, stages, target } = results
  if (target !== undefined) return targetSentence(results)
  const shown = guarantees.filter(({ verdict }) => verdict === 'PASS').length
  const laws = guarantees.flatMap((guarantee) => guarantee.laws)
  const empty = laws.filter(({ rows }) => rows === 0).length
  const held = `${shown} of ${guarantees.length} guarantees held under load, ${empty} of ${laws.length} laws are empty`
  const skipped = stages.filter((stage) => stage.verdict === 'SKIPPED').map(({ title }) => title)
  const rest =
    skipped.length > 0
      ? `. Not asked for: ${skipped.join(', ')}.`
      : `, ${countExpected(sabotage)} of ${sabotage.length} sabotages ended as expected.`
  const leftOut = stages.flatMap((stage) => stage.leftOut ?? []).map(({ name }) => name)
  return `${held}${rest}${leftOut.length === 0 ? '' : ` Left out: ${leftOut.join(', ')}.`}`
}

function targetSentence({ guarantees }: Results): string {
  const shown = guarantees.filter(({ verdict }) => verdict === 'PASS').length
  const rest = guarantees.filter(({ verdict }) => verdict === 'NOT SHOWN').map(({ name }) => name)
  const notShown = rest.length === 0 ? '' : ` Not shown: ${rest.join(', ')}.`
  return `${shown} of ${guarantees.length} promises held under load.${notShown}`
}

/** `18 of 18` comparisons of answers and rows. */
export function comparisonsOf({ checks }: Results['guarantees'][number]): string {
  return checks === undefined || checks.total === 0 ? 'none' : `${checks.passed} of ${checks.total}`
}

export function postgresFact({ version, source }: NonNullable<Results['environment']['postgres']>): string {
  return `PostgreSQL ${version} ${source === 'embedded' ? 'embedded' : 'at DATABASE_URL'}`
}

/** What was left out for the same reason in one sentence: `Left out: a, b (the profile quick has no time for it)`. */
export function leftOutSentences(stages: readonly StageResult[]): readonly string[] {
  const byReason = Map.groupBy(
    stages.flatMap(({ leftOut = [] }) => leftOut),
    ({ why }) => why,
  )
  return [...byReason].map(([why, those]) => `Left out: ${those.map(({ name }) => name).join(', ')} (${why})`)
}

export function countExpected(sabotage: Results['sabotage']): number {
  return sabotage.filter(({ verdict }) => verdict === 'PASS').length
}

/** Something that keeps the run from PASS. */
export interface Finding {
  readonly stage: string
  readonly verdict: 'FAIL' | 'INCONCLUSIVE'
  readonly name: string
  readonly detail: string
  readonly promise: string | undefined
  readonly sentence: string
  readonly witness: unknown
  /** The command that shows it again: its own, or the run's. */
  readonly reproduce: string
}

/** What failed comes before what could not be shown. */
export function findingsOf(results: Results): readonly Finding[] {
  const all = results.stages.flatMap((stage) =>
    stage.checks.flatMap((check) => checkFinding(stage, check, results.run.command)),
  )
  const order: readonly Finding['verdict'][] = ['FAIL', 'INCONCLUSIVE']
  const sorted = order.flatMap((verdict) => all.filter((finding) => finding.verdict === verdict))
  if (results.target === undefined) return sorted
  const promises = results.guarantees.map(({ name }) => name)
  return order.flatMap((verdict) =>
    firstOfEach(
      sorted.filter((finding) => finding.verdict === verdict),
      promises,
    ),
  )
}

/** Of a target one finding a promise: scenarios run from gentle to hard, so that the first one has the smallest witness. */
function firstOfEach(findings: readonly Finding[], promises: readonly string[]): readonly Finding[] {
  const subject = ({ promise, name }: Finding) => promise ?? name.replace(/^[\w-]+: /, '')
  const place = ({ promise = '' }: Finding) => (promises.indexOf(promise) + promises.length) % promises.length
  const groups = [...Map.groupBy(findings, subject).values()]
  return groups
    .flatMap(([first, ...others]) =>
      first === undefined ? [] : [{ ...first, detail: first.detail + andMore(others) }],
    )
    .sort((one, other) => place(one) - place(other))
}

function andMore({ length }: readonly unknown[]): string {
  return length === 0 ? '' : `. It is so ${length === 1 ? 'once' : `${length} times`} more in this run.`
}

function checkFinding(stage: StageResult, check: Check, command: string): Finding[] {
  if (check.verdict === 'PASS') return []
  const { name, verdict, detail, promise, witness, reproduce = command } = check
  const sentence = `${stage.title}: ${name} (${detail})`
  return [{ stage: stage.title, verdict, name, detail, promise, sentence, witness, reproduce }]
}

/** What happened in a scenario, in a few words: `50 of 50 tickets sold, 150 buyers told that it is sold out, p95 214 ms`. */
export function keyFigures({ mustHaveHappened, outcomes, stock, latencyMs }: ScenarioResult): string {
  const taking =
    stock === null ? -1 : mustHaveHappened.findIndex(({ times }) => times === outcomes['success'])
  const happened = mustHaveHappened.map(({ what, times }, at) =>
    at === taking
      ? `${count(times)} of ${count(stock?.total ?? 0)} ${what}`
      : `${count(times)} ${inNumber(what, times)}`,
  )
  const p95 = latencyMs === null ? [] : [`p95 ${milliseconds(latencyMs.p95)}\u00a0ms`]
  return [...happened, ...p95].join(', ')
}

/** `refunds by staff` of one is `refund by staff`. */
export function inNumber(what: string, times: number): string {
  return times === 1 ? what.replace(/(?<=[a-z]{2}[^s])s\b/, '') : what
}

/** Law rows of all laws of a guarantee. */
export function lawRows({ laws }: Results['guarantees'][number]): number {
  return laws.reduce((sum, law) => sum + law.rows, 0)
}

/** Every race once, with the sums of its isolation levels. */
export function racesOf(interleavings: Results['interleavings']) {
  return [...Map.groupBy(interleavings, ({ race }) => race)].map(([race, results]) => {
    const sum = (figure: (result: InterleavingResult) => number) =>
      results.reduce((total, result) => total + figure(result), 0)
    return {
      race,
      orders: sum(({ orders }) => orders),
      stepped: sum(({ stepped }) => stepped),
      waits: sum(({ waits }) => waits),
      deadlocks: sum(({ deadlocks }) => deadlocks),
      retries: sum(({ retries }) => retries),
      verdict: worst(results.map(({ verdict }) => verdict)),
    }
  })
}

/** Each kind, in words, and how it is expected to end. */
const SABOTAGE_KINDS = [
  ['one refusing', 'one refusing protection taken away', 'survived'],
  ['one alone', 'one protection taken away that is needed by itself', 'caught'],
  ['one counting', 'one counting trigger taken away', 'caught'],
  ['all refusing', 'all refusing protections taken away', 'caught'],
] as const

/** How many of each kind of sabotage ended as expected. */
export function sabotageKinds(sabotage: Results['sabotage']) {
  return SABOTAGE_KINDS.map(([kind, what, expected]) => {
    const done = sabotage.filter((row) => row.kind === kind)
    return { kind, what, expected, good: countExpected(done), total: done.length }
  }).filter(({ total }) => total > 0)
}

export function witnessText(witness: unknown): string {
  return JSON.stringify(witness, null, 2) ?? ''
}

/** `9 of 10 points pass, 1 is not shown.` */
export function shownPoints(readiness: NonNullable<Results['readiness']>): string {
  const of = (wanted: AnyVerdict) => readiness.filter(({ verdict }) => verdict === wanted).length
  const open = (['FAIL', 'INCONCLUSIVE', 'NOT SHOWN'] as const).filter((verdict) => of(verdict) > 0)
  const rest = open.map((verdict) => `, ${of(verdict)} ${verdict}`).join('')
  return `${of('PASS')} of ${readiness.length} points pass${rest}.`
}

/** What an earlier run says of this one. */
export function comparisonSentence(comparison: Comparison, verdict: Results['verdict']): string {
  const { earlier, failing, mended, differences } = comparison
  const checks = (times: number) => `${count(times)} ${times === 1 ? 'check' : 'checks'}`
  const changes =
    failing.length + mended.length === 0
      ? 'every check of both runs ended as it did then'
      : `${checks(failing.length)} that passed then ${failing.length === 1 ? 'does' : 'do'} not now, ${checks(mended.length)} the other way round`
  const figures =
    differences.length === 0 ? '' : ' Its figures are those of another setting, and not compared.'
  return `${verdict} after ${earlier.verdict}: ${changes}.${figures}`
}

export function engineOf({ engine, engineVersion }: ScenarioResult): string {
  return `${engine} ${engineVersion}`.trim()
}
