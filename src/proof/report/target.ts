import { type Html, html } from '../../report/markup.ts'
import { count } from '../../report/numbers.ts'
import { row, table } from '../../report/parts.ts'
import type { GuaranteeResult, Results } from '../results.ts'
import { badge } from './parts.ts'
import { comparisonsOf } from './words.ts'

type TargetFigures = NonNullable<Results['target']>

/** Whom the run attacked, as terms and facts. */
export function targetFacts({
  name,
  adapter,
  urls,
  requests,
  requestsMax,
}: TargetFigures): readonly (readonly [term: string, fact: string])[] {
  return [
    ['Target', name],
    ['Adapter', adapter],
    ['At', urls.join(', ')],
    ['Requests', `${count(requests)} of at most ${count(requestsMax)}`],
  ]
}

/** What a shop promises, and what the run says of it. */
export function promiseTable(results: Results, { notShown, leftBehind }: TargetFigures): Html {
  const rows = results.guarantees.map((guarantee) =>
    row([
      html`<span class="number">${guarantee.number}</span> <code>${guarantee.name}</code><span class="promise">${guarantee.promise}</span>`,
      badge(guarantee.verdict),
      comparisonsOf(guarantee),
      scenarioLinks(guarantee, notShown.find(({ name }) => name === guarantee.name)?.why),
    ]),
  )
  return html`<section aria-labelledby="guarantees">
<h2 id="guarantees">Promises</h2>
<p class="lead">What any shop promises, judged by comparing what buyers were told with the rows of the system and with its own counter.</p>
${table(['promise', 'verdict', 'comparisons', 'under load in'], rows, 'guarantees')}
${leftBehind.length === 0 ? null : html`<h3>Left behind</h3><ul>${leftBehind.map((what) => html`<li>${what}</li>`)}</ul>`}
</section>`
}

function scenarioLinks({ scenarios }: GuaranteeResult, why: string | undefined): Html | readonly Html[] {
  if (scenarios.length === 0) return html`<span class="quiet">${why ?? 'nothing in this run'}</span>`
  return scenarios.map((name) => html`<a class="line" href="#scenario-${name}">${name}</a>`)
}
