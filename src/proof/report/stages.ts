import type { Check, Results, StageResult } from '../results.ts'
import { type Content, type Html, html } from './markup.ts'
import { badge, witnessBlock } from './parts.ts'
import { findingsOf, seconds } from './words.ts'

/** Everything that was looked at, in the order of the run: what failed is open, what passed is folded away. */
export function stages(results: Results): Html {
  const first = findingsOf(results)[0]
  const isFirst = (stage: StageResult, name: string) => first?.stage === stage.title && first.name === name
  return html`<section aria-labelledby="stages">
<h2 id="stages">Stages</h2>
<p class="lead">The whole run again:
<code class="command">${results.run.command}</code></p>
${results.stages.map((stage) => stageBlock(stage, isFirst))}
</section>`
}

function stageBlock(stage: StageResult, isFirst: (stage: StageResult, name: string) => boolean): Html {
  const passed = stage.checks.filter(({ verdict }) => verdict === 'PASS')
  const open = stage.checks.filter(({ verdict }) => verdict !== 'PASS')
  return html`<article class="stage">
<header><h3>${stage.title}</h3>${badge(stage.verdict)}
<span class="quiet">${stage.checks.length === 0 ? '' : `${passed.length} of ${stage.checks.length} checks passed · `}${seconds(stage.durationMs)}</span></header>
${stage.verdict === 'SKIPPED' ? skipped(stage, isFirst(stage, 'skipped')) : null}
${open.map((check) => openCheck(check, isFirst(stage, check.name)))}
${passed.length === 0 ? null : html`<details><summary>${passed.length} passed</summary><ul class="passed">${passed.map(passedCheck)}</ul></details>`}
</article>`
}

function skipped({ reason }: StageResult, first: boolean): Html {
  return html`<p ${anchor(first)}>Skipped: ${reason ?? 'no reason was given'}. What it would have shown is not shown.</p>`
}

function openCheck({ name, verdict, detail, witness, reproduce }: Check, first: boolean): Html {
  return html`<div class="finding ${verdict.toLowerCase()}" ${anchor(first)}>
<p>${badge(verdict)} <b>${name}</b></p>
<p class="detail">${detail}</p>
${witness === undefined ? null : html`<h4>Witness</h4>${witnessBlock(witness)}`}
${reproduce === undefined ? null : html`<h4>See it again</h4><code class="command block">${reproduce}</code>`}
</div>`
}

function anchor(first: boolean): Content {
  return first ? html`id="finding-1"` : null
}

function passedCheck({ name, detail }: Check): Html {
  return html`<li><span class="sign" role="img" aria-label="passed:">✓</span><span>${name} <small>${detail}</small></span></li>`
}
