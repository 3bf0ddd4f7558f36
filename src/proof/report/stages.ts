import { type Html, html } from '../../report/markup.ts'
import { seconds } from '../../report/numbers.ts'
import type { Check, Results, StageResult } from '../results.ts'
import { badge } from './parts.ts'
import { leftOutSentences } from './words.ts'

/** Everything that was looked at, in the order of the run; what passed is folded away. */
export function stages(results: Results): Html {
  return html`<section aria-labelledby="stages">
<h2 id="stages">Stages</h2>
<p class="lead">The whole run again: <code class="command">${results.run.command}</code></p>
${results.stages.map(stageBlock)}
</section>`
}

function stageBlock(stage: StageResult): Html {
  const passed = stage.checks.filter(({ verdict }) => verdict === 'PASS')
  const open = stage.checks.filter(({ verdict }) => verdict !== 'PASS')
  return html`<article class="card stage">
<header><h3>${stage.title}</h3>${badge(stage.verdict)}
<span class="quiet">${stage.checks.length === 0 ? '' : `${passed.length} of ${stage.checks.length} checks passed · `}${seconds(stage.durationMs)}</span></header>
${stage.verdict === 'SKIPPED' ? skipReason(stage) : null}
${leftOutSentences([stage]).map((sentence) => html`<p>${sentence}. What it would have shown is not shown.</p>`)}
${openChecks(open)}
${passed.length === 0 ? null : html`<details><summary>${passed.length} passed</summary><ul class="passed">${passed.map(passedCheck)}</ul></details>`}
</article>`
}

function skipReason({ reason }: StageResult): Html {
  return html`<p>Skipped: ${reason ?? 'no reason was given'}. What it would have shown is not shown.</p>`
}

/** Their witnesses stand under the findings. */
export function openChecks(checks: readonly Check[]): Html | null {
  if (checks.length === 0) return null
  return html`<ul class="open">${checks.map(
    ({ name, verdict, detail }) =>
      html`<li>${badge(verdict)} <span>${name} <small>${detail}</small></span></li>`,
  )}</ul>`
}

function passedCheck({ name, detail }: Check): Html {
  return html`<li><span class="sign" role="img" aria-label="passed:">✓</span><span>${name} <small>${detail}</small></span></li>`
}
