import { type Content, type Html, html } from '../../report/markup.ts'
import { count, milliseconds, seconds } from '../../report/numbers.ts'
import { folded } from '../../report/parts.ts'
import type { Latency, Results, ScenarioResult } from '../results.ts'
import { badge } from './parts.ts'
import { latencyChart, soakCharts, stockChart } from './scenario-charts.ts'
import { scriptList } from './script-list.ts'
import { openChecks } from './stages.ts'
import { engineOf, inNumber, keyFigures } from './words.ts'

/** Each story under load: what happened, in figures that say where they come from. */
export function scenarioCards({ scenarios, environment, target }: Results): Html {
  const cards =
    scenarios.length === 0 ? html`<p class="none">No scenario ran.</p>` : scenarios.map(scenarioCard)
  return html`<section aria-labelledby="scenarios">
<h2 id="scenarios">Scenarios</h2>
<p class="lead">Real load on the real thing: ${environment.placement}. Latencies of different engines do not compare.
${target === undefined ? html`A script runs by hand in a checkout, where <code>npx admit-once start</code> is up.` : 'Latencies are from a buyer’s start to the last answer.'}</p>
${cards}
</section>`
}

function scenarioCard(scenario: ScenarioResult): Html {
  return html`<article class="card" id="scenario-${scenario.name}">
<header><h3>${scenario.name}</h3>${badge(scenario.verdict)}</header>
<p class="story">${scenario.story}</p>
<p class="quiet">${engineOf(scenario)} · ${count(scenario.requests)} requests in ${seconds(scenario.durationMs)}, ${count(scenario.perSecond)} a second</p>
${openChecks(scenario.checks.filter(({ verdict }) => verdict !== 'PASS'))}
${scenario.stock === null ? null : html`<h4>Places over time</h4>${stockChart(scenario.stock, scenario.faults)}`}
${scenario.soak === undefined ? null : soakCharts(scenario.soak)}
${folded(scenario.verdict === 'PASS', keyFigures(scenario), figures(scenario))}
</article>`
}

function figures(scenario: ScenarioResult): Html {
  const { timeline = [] } = scenario
  return html`<div class="figures">
<div><h4>Answers</h4>${outcomeBars(scenario.outcomes)}
${timeline.length < WINDOWS_MIN ? null : html`<h4>Answer times over the run</h4>${latencyChart(timeline, scenario.durationMs)}`}</div>
<div>${latencyTable(scenario.latencyMs)}
<h4>Must have happened</h4>${happenings(scenario)}
${scenario.thresholds.length === 0 ? null : html`<h4>Thresholds</h4>${thresholds(scenario)}`}</div>
</div>
${scriptList(scenario)}
<details><summary>Run it again</summary><p class="quiet">${scenario.file}</p><code class="command block">${scenario.command}</code></details>`
}

/** With fewer there is no course to speak of. */
const WINDOWS_MIN = 4

/** One bar an answer, as long as it is frequent; its share stands beside it. */
function outcomeBars(outcomes: ScenarioResult['outcomes']): Html {
  const entries = Object.entries(outcomes).sort(([, a], [, b]) => b - a)
  const most = Math.max(1, ...entries.map(([, times]) => times))
  const style = (code: string) => (/^success/.test(code) ? 'good' : /^unexpected/.test(code) ? 'bad' : '')
  if (entries.length === 0) return html`<p class="quiet">No answer came.</p>`
  return html`<ul class="bars">${entries.map(
    ([code, times]) => html`<li><span class="code">${code}</span> <b>${count(times)}</b>
<span class="bar ${style(code)}" style="inline-size:${((100 * times) / most).toFixed(2)}%"></span></li>`,
  )}</ul>`
}

function latencyTable(latency: Latency | null): Html {
  if (latency === null) return html`<h4>Latency</h4><p class="quiet">Not measured.</p>`
  const at: readonly (readonly [string, number | null])[] = [
    ['p50', latency.p50],
    ['p90', latency.p90],
    ['p95', latency.p95],
    ['p99', latency.p99],
    ['p99.9', latency.p999],
    ['max', latency.max],
  ]
  return html`<h4>Latency in ms, of ${count(latency.count)}</h4><table class="latency"><thead><tr>${at.map(([name]) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody><tr>${at.map(([, value]) => html`<td>${value === null ? '–' : milliseconds(value)}</td>`)}</tr></tbody></table>`
}

function happenings({ mustHaveHappened }: ScenarioResult): Html {
  return html`<ul class="ticks">${mustHaveHappened.map(({ what, times }) =>
    tick(
      times > 0,
      html`<b>${count(times)}</b> ${inNumber(what, times)}`,
      'never happened: the run shows nothing',
    ),
  )}</ul>`
}

function thresholds({ thresholds }: ScenarioResult): Html {
  return html`<ul class="ticks">${thresholds.map(({ metric, threshold, ok }) =>
    tick(ok, html`<code>${metric} ${threshold}</code>`, 'not met'),
  )}</ul>`
}

function tick(ok: boolean, what: Content, otherwise: string): Html {
  return ok
    ? html`<li class="ok"><span class="sign" role="img" aria-label="yes:">✓</span><span>${what}</span></li>`
    : html`<li class="not"><span class="sign" role="img" aria-label="no:">✗</span><span>${what} <em>${otherwise}</em></span></li>`
}
