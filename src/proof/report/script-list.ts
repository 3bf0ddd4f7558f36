import { type Html, html } from '../../report/markup.ts'
import { count, milliseconds } from '../../report/numbers.ts'
import type { ScenarioResult } from '../results.ts'

/** Each pgbench script of a scenario: how often it was chosen, its percentiles, and what its statements took on average. */
export function scriptList({ scripts = [] }: ScenarioResult): Html | null {
  if (scripts.length === 0) return null
  return html`<details><summary>What each statement took on average</summary>${scripts.map(
    ({
      file,
      weight,
      latencyMs,
      statements,
    }) => html`<p><b>${file.replace(/.*\//, '')}</b> <span class="quiet">weight ${weight}, ${count(latencyMs.count)} times; ms: p50 ${milliseconds(latencyMs.p50)}, p95 ${milliseconds(latencyMs.p95)}, p99 ${milliseconds(latencyMs.p99)}</span></p>
<ul class="statements">${statements.map(
      ({ text, avgMs, failures, retries }) =>
        html`<li><b>${avgMs.toFixed(2)} ms</b> <code>${text}</code>${failures + retries === 0 ? null : html` <span class="quiet">${count(retries)} begun again, ${count(failures)} failed</span>`}</li>`,
    )}</ul>`,
  )}</details>`
}
