import { type Html, html } from '../../report/markup.ts'
import { row, table } from '../../report/parts.ts'
import type { Results } from '../results.ts'
import { badge } from './parts.ts'
import { shownPoints } from './words.ts'

/** The checklist before going live; a point is decided by checks of this run, and by nobody's hand. */
export function readinessTable({ readiness = [] }: Results): Html | null {
  if (readiness.length === 0) return null
  const rows = readiness.map(({ name, verdict, evidence }, at) =>
    row([html`<span class="number">${at + 1}</span> ${name}`, badge(verdict), evidence]),
  )
  return html`<section aria-labelledby="readiness">
<h2 id="readiness">Production readiness</h2>
<p class="lead">${shownPoints(readiness)} A point is decided by the checks of this run, never ticked by hand; of what did not run nothing is
shown.</p>
${table(['point', 'verdict', 'evidence'], rows, 'points')}
</section>`
}
