import { type Html, html } from '../../report/markup.ts'
import type { Results } from '../results.ts'
import { badge, witnessBlock } from './parts.ts'
import { type Finding, findingsOf } from './words.ts'

/** What keeps the run from PASS, before anything else: nobody should have to look for it. */
export function findings(results: Results): Html | null {
  const found = findingsOf(results)
  if (found.length === 0) return null
  return html`<section aria-labelledby="findings">
<h2 id="findings">Findings</h2>
${found.map(findingBlock)}
</section>`
}

function findingBlock({ stage, name, verdict, detail, witness, reproduce }: Finding, at: number): Html {
  return html`<div class="finding ${verdict.toLowerCase()}" id="finding-${at + 1}">
<p>${badge(verdict)} <b>${stage}: ${name}</b></p>
<p class="detail">${detail}</p>
${witness === undefined ? null : html`<h4>Witness</h4>${witnessBlock(witness)}`}
<h4>See it again</h4><code class="command block">${reproduce}</code>
</div>`
}
