import type { Check, Results, ScenarioResult, StageResult } from '../results.ts'

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

/** The one sentence that explains the verdict. */
export function sentenceOf(results: Results): string {
  if (results.verdict === 'PASS') return passSentence(results)
  return findingsOf(results)[0]?.sentence ?? results.reasons[0] ?? 'The run gave no reason.'
}

/** The reasons that the sentence leaves out. */
export function furtherReasons(results: Results): readonly string[] {
  const sentence = sentenceOf(results)
  return results.reasons.filter((reason) => reason !== sentence)
}

function passSentence({ guarantees, sabotage, stages }: Results): string {
  const shown = guarantees.filter(({ verdict }) => verdict === 'PASS').length
  const laws = guarantees.flatMap((guarantee) => guarantee.laws)
  const empty = laws.filter(({ rows }) => rows === 0).length
  const held = `${shown} of ${guarantees.length} guarantees held under load, ${empty} of ${laws.length} laws are empty`
  const leftOut = stages.filter((stage) => stage.verdict === 'SKIPPED').map(({ title }) => title)
  if (leftOut.length > 0) return `${held}. Not asked for: ${leftOut.join(', ')}.`
  return `${held}, ${countExpected(sabotage)} of ${sabotage.length} sabotages ended as expected.`
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
  return order.flatMap((verdict) => all.filter((finding) => finding.verdict === verdict))
}

function checkFinding(stage: StageResult, check: Check, command: string): Finding[] {
  if (check.verdict === 'PASS') return []
  const { name, verdict, detail, witness, reproduce = command } = check
  const sentence = `${stage.title}: ${name} (${detail})`
  return [{ stage: stage.title, verdict, name, detail, sentence, witness, reproduce }]
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

const numbers = new Intl.NumberFormat('en')

export function count(value: number): string {
  return numbers.format(Math.round(value))
}

/** Two digits that mean something below 10, whole ones above. */
export function milliseconds(value: number): string {
  return value < 10 ? value.toFixed(1) : count(value)
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}

export function engineOf({ engine, engineVersion }: ScenarioResult): string {
  return `${engine} ${engineVersion}`.trim()
}
