import { type Content, type Html, html } from '../../report/markup.ts'
import { changeOf, count, milliseconds } from '../../report/numbers.ts'
import { folded, row, table } from '../../report/parts.ts'
import type { Comparison, ScenarioComparison } from '../measures.ts'
import type { Results } from '../results.ts'
import { badge } from './parts.ts'
import { comparisonSentence } from './words.ts'

const HEADS = ['scenario', 'verdict', 'p50 in ms', 'p95 in ms', 'a second', 'answers whose number changed']

/** This run beside an earlier one: what fails anew and what no longer does, then figures, where they are those of the same thing. */
export function comparisonOf(results: Results): Html | null {
  const { comparison, verdict } = results
  if (comparison === undefined) return null
  const { earlier, scenarios, guarantees, onlyEarlier, onlyNow } = comparison
  const changed = guarantees.map(({ name, before, now }) => `${name}: ${before}, now ${now}`)
  return html`<section aria-labelledby="comparison">
<h2 id="comparison">Compared with ${earlier.id}</h2>
<p class="lead">${comparisonSentence(comparison, verdict)} It started ${earlier.startedAt.slice(0, 16).replace('T', ' ')} UTC, by version ${earlier.version}.</p>
${differenceTable(comparison)}
${comparison.failing.length === 0 ? null : html`<h3>Fails anew</h3><ul class="open">${comparison.failing.map(({ name, verdict: now, detail }) => html`<li>${badge(now)} <span>${name} <small>${detail}</small></span></li>`)}</ul>`}
${comparison.mended.length === 0 ? null : html`<h3>Passes again</h3><ul class="passed">${comparison.mended.map((name) => html`<li>${name}</li>`)}</ul>`}
${changed.length === 0 ? null : html`<p>Guarantees: ${changed.join('; ')}.</p>`}
${onlyNow.length === 0 ? null : html`<p class="quiet">Only now: ${onlyNow.join(', ')}.</p>`}
${onlyEarlier.length === 0 ? null : html`<p class="quiet">Only then: ${onlyEarlier.join(', ')}.</p>`}
${scenarios.length === 0 ? null : folded(true, `${count(scenarios.length)} scenarios of both runs`, table(HEADS, scenarios.map(scenarioRow), 'watched'))}
</section>`
}

/** Named before any figure. */
function differenceTable({ differences }: Comparison): Html | null {
  if (differences.length === 0) return null
  const rows = differences.map(({ what, before, now }) => row([what, before, now]))
  return html`<h3>Not the same setting</h3>
<p>Figures of the two runs stand beside each other and are not set against each other.</p>
${table(['what', 'then', 'now'], rows, 'watched')}`
}

function scenarioRow(scenario: ScenarioComparison) {
  const { name, verdict, engines, outcomes, isCompared } = scenario
  return row([
    html`<a href="#scenario-${name}">${name}</a>${engines === undefined ? null : html`<small>${engines.before}, now ${engines.now}: not compared</small>`}`,
    verdict.before === verdict.now ? verdict.now : html`${verdict.now}<small>was ${verdict.before}</small>`,
    ...(['p50', 'p95', 'perSecond'] as const).map((figure) => changeCell(scenario[figure], isCompared)),
    outcomes.map(
      ({ code, before, now }): Content =>
        html`<span class="line"><code>${code}</code> ${count(now)}, was ${count(before)}</span>`,
    ),
  ])
}

function changeCell(change: ScenarioComparison['p50'], isCompared: boolean): Content {
  const { before, now } = change
  const figure = (value: number | null) => (value === null ? '–' : milliseconds(value))
  return html`${figure(now)}<small>was ${figure(before)}${isCompared ? changeOf(change) : ''}</small>`
}
