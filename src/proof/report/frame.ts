import { type Content, type Html, html } from '../../report/markup.ts'
import { count, momentOf, seconds } from '../../report/numbers.ts'
import { type Fact, factList, ticket } from '../../report/page.ts'
import { row, table } from '../../report/parts.ts'
import type { GuaranteeResult, Results } from '../results.ts'
import { badge } from './parts.ts'
import { targetFacts } from './target.ts'
import { findingsOf, furtherReasons, lawRows, SIGNS, sabotageKinds, sentenceOf } from './words.ts'

export function ticketOf(results: Results): Html {
  const { run, product, verdict } = results
  return ticket({
    tone: verdict.toLowerCase(),
    kind: 'the proof',
    title: html`<span aria-hidden="true">${SIGNS[verdict]}</span> ${verdict}`,
    sentence: sentenceOf(results),
    more: further(results),
    stub: [
      ['Run', run.id],
      ['Started', momentOf(run.startedAt)],
      ['Took', seconds(run.durationMs)],
      ['Version', product.version],
    ],
  })
}

function further(results: Results): Content {
  const reasons = furtherReasons(results)
  if (reasons.length === 0) return null
  const title = `${count(reasons.length)} more ${reasons.length === 1 ? 'reason' : 'reasons'}`
  const list = html`<ul>${reasons.map((reason) => html`<li>${reason}</li>`)}</ul>`
  return html`<details><summary>${title}</summary>${list}</details>`
}

export function contentsOf(results: Results): Html {
  const isTarget = results.target !== undefined
  const findings = findingsOf(results).length
  const failures = findings === 0 ? null : html`<a href="#findings">Findings (${count(findings)})</a>`
  return html`<nav aria-label="In this report">${failures}
${results.comparison === undefined ? null : html`<a href="#comparison">Compared</a>`}
<a href="#guarantees">${isTarget ? 'Promises' : 'Guarantees'}</a>
${results.readiness === undefined ? null : html`<a href="#readiness">Readiness</a>`}
${isTarget ? null : html`<a href="#sabotage">Sabotage</a> <a href="#interleavings">Interleavings</a>`}
<a href="#scenarios">Scenarios</a> ${isTarget ? null : html`<a href="#health">Health</a>`}
<a href="#stages">Stages</a> <a href="#shown">What this shows</a></nav>`
}

/** What a reader needs to know before any figure. */
export function runFacts({ run, environment, target }: Results): Html {
  const { postgres } = environment
  const facts: readonly Fact[] = [
    ['Profile', run.profile],
    ['Seed', String(run.seed)],
    ['Machine', `${environment.cpu}, ${environment.cores} cores, ${gigabytes(environment.memoryBytes)} GB`],
    ['System', `${environment.platform}, Node ${environment.node}`],
    ...(postgres === null ? [] : databaseFacts(postgres)),
    ...(target === undefined ? generatorFacts(environment) : targetFacts(target)),
    ['Where it ran', environment.placement],
  ]
  return html`<section aria-labelledby="run">
<h2 id="run">The run</h2>
${factList(facts)}
<p class="again">The whole run again: <code class="command">${run.command}</code></p>
</section>`
}

function databaseFacts(postgres: NonNullable<Results['environment']['postgres']>): readonly Fact[] {
  return [
    ['PostgreSQL', `${postgres.version}, ${postgres.source === 'embedded' ? 'embedded' : 'at DATABASE_URL'}`],
    ['Durability', `fsync ${postgres.fsync}, synchronous_commit ${postgres.synchronousCommit}`],
    ['Connections', `at most ${count(postgres.maxConnections)}`],
  ]
}

function generatorFacts({ k6, pgbench }: Results['environment']): readonly Fact[] {
  return [
    ['HTTP load', k6 === null ? 'built-in runner' : `k6 ${k6}`],
    ['SQL load', pgbench === null ? 'built-in runner' : `pgbench ${pgbench}`],
  ]
}

/** What the figures mean, without more than they say. */
export function shownAndNot(results: Results): Html {
  const rows = results.guarantees.map((guarantee) => {
    const tried = countContended(results, guarantee)
    return row([guarantee.name, count(tried), String(violations(guarantee)), boundOf(guarantee, tried)])
  })
  return html`<section aria-labelledby="shown">
<h2 id="shown">What this shows, and what it cannot</h2>
<p>A test can show that a promise breaks. It cannot show that it never will. No violation in <var>N</var> contended attempts says,
with 95 % confidence, that fewer than 3/<var>N</var> of such attempts break it: on this machine, under this load, and as
far as the attempts are independent, which those of one race are only in part.</p>
${table(['guarantee', 'contended attempts', 'violations', 'upper bound, 95 %'], rows, 'plain')}
<p class="quiet">A contended attempt is one that came too late and was refused or told to retry in a scenario of the guarantee: a chance
to break the promise. Those of the sabotage are not counted here.</p>
<p>${results.target === undefined ? sabotageText(results) : targetText()}</p>
</section>`
}

function sabotageText(results: Results): Html {
  return html`What carries further than any count is the sabotage: ${sabotageSentence(results)}
${badge('NOT SHOWN')} means that the laws of a guarantee are empty, but that nothing in this run put it under load.`
}

function targetText(): Html {
  return html`${badge('NOT SHOWN')} means that the adapter cannot say what it would take to judge the promise, or that nothing in this
run attacked it. How fast the system is has no verdict.`
}

function sabotageSentence({ sabotage }: Results): string {
  if (sabotage.length === 0) return 'this run did without it, so its laws were not seen to catch anything.'
  const kinds = sabotageKinds(sabotage).map(
    ({ what, expected, good, total }) => `${what}, ${good} of ${total} ${expected}`,
  )
  return `${kinds.join('; ')}.`
}

/** Every answer of its scenarios that is neither a success nor something unexpected. */
function countContended(results: Results, { scenarios }: GuaranteeResult): number {
  return results.scenarios
    .filter(({ name }) => scenarios.includes(name))
    .flatMap(({ outcomes }) => Object.entries(outcomes))
    .filter(([code]) => !/^(success|unexpected)/.test(code))
    .reduce((sum, [, times]) => sum + times, 0)
}

const RULE_OF_THREE = 3

/** Rows of its laws, or of a target the comparisons that failed. */
function violations(guarantee: GuaranteeResult): number {
  const { checks } = guarantee
  return checks === undefined ? lawRows(guarantee) : checks.total - checks.passed
}

function boundOf(guarantee: GuaranteeResult, tried: number): string {
  if (violations(guarantee) > 0) return 'it broke'
  if (tried === 0) return 'nothing is shown'
  return tried <= RULE_OF_THREE ? 'too few to say' : `${(100 * (RULE_OF_THREE / tried)).toPrecision(2)} %`
}

function gigabytes(bytes: number): string {
  return (bytes / 1024 ** 3).toFixed(0)
}
