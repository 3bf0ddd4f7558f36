import { type Content, type Html, html } from '../../report/markup.ts'
import { count, inPercent, milliseconds } from '../../report/numbers.ts'
import { row, table } from '../../report/parts.ts'
import type { AnswerTime, CapacityMetric, ErrorRateResult, Health } from '../measures.ts'
import type { Results, ScenarioResult } from '../results.ts'
import { badge } from './parts.ts'

/** What the load was like: database and generator, answers and errors, capacity. Each figure says where it comes from. */
export function healthOf({ health, capacity, errorRates, answerTimes, scenarios, stages }: Results): Html {
  const stage = stages.find(({ name }) => name === 'health')
  const reason = stage?.reason ?? 'nothing was measured'
  return html`<section aria-labelledby="health">
<h2 id="health">Health under load</h2>
<p class="lead">A monitor with one connection of its own asked PostgreSQL four times a second while each scenario ran. Figures of a
database or a generator that was not healthy say less than they seem to: INCONCLUSIVE.</p>
${health === undefined ? html`<p class="none">Not measured: ${reason}.</p>` : null}
${answerTimes === undefined ? null : answerTimeTable(answerTimes)}
${errorRates === undefined ? null : errorTable(errorRates)}
${health?.server ? serverAnswers(health.server) : null}
${capacity === undefined ? null : capacityTable(capacity)}
${scenarioTable(scenarios)}
${health === undefined ? null : tableTable(health)}
${health?.statements ? statementTable(health.statements) : null}
</section>`
}

const ANSWER_HEADS = ['calls', 'p50', 'p90', 'p99', 'p99.9', 'failed', 'measured in', 'verdict']

/** Each figure above what it may be, and above the baseline. */
function answerTimeTable(times: readonly AnswerTime[]): Html {
  const rows = times.map((time) =>
    row([
      time.operation,
      ...(['p50', 'p90', 'p99', 'p999'] as const).map((at) => timeCell(time, at)),
      shareCell(time),
      time.measured === null
        ? html`<span class="quiet">${time.from}</span>`
        : html`${time.from}<small>${count(time.count)} calls</small>`,
      badge(time.verdict),
    ]),
  )
  return html`<h3>Answer times in ms</h3>
<p class="quiet">Below each: the target, and what is usual on a machine of its own (baseline), both as many times longer as the profile allows. A missed target is a FAIL, a
missed baseline INCONCLUSIVE. p99.9 is said of 1,000 calls and more.</p>
${table(ANSWER_HEADS, rows, 'answers')}`
}

function timeCell({ measured, target, baseline }: AnswerTime, at: 'p50' | 'p90' | 'p99' | 'p999'): Content {
  const value = measured?.[at] ?? null
  const limit = (of: AnswerTime['target']) => (of?.[at] == null ? '–' : count(of[at]))
  return html`${value === null ? '–' : milliseconds(value)}<small>at most ${limit(target)}</small><small>usual ${limit(baseline)}</small>`
}

function shareCell({ failures, failuresMax }: AnswerTime): Content {
  const allowed = failuresMax === null ? null : html`<small>at most ${inPercent(failuresMax)}</small>`
  return html`${failures === null ? '–' : inPercent(failures)}${allowed}`
}

/** Refusals are answers; errors may be so frequent and no more. */
function errorTable(rates: readonly ErrorRateResult[]): Html {
  const rows = rates.map(({ kind, says, times, of, shareMax, verdict }) =>
    row([
      html`<code>${kind}</code><span class="promise">${says}</span>`,
      html`${count(times)}<small>of ${count(of)}</small>`,
      of === 0 ? '–' : inPercent(times / of),
      shareMax === 1 ? 'any: what a sale brings' : inPercent(shareMax),
      badge(verdict),
    ]),
  )
  return html`<h3>Errors</h3>
<p class="quiet">${rates[0]?.from ?? 'nothing ran'}. The race under SERIALIZABLE is left out: most of it ends in 40001, by design.</p>
${table(['kind', 'times', 'share', 'may be', 'verdict'], rows, 'errors')}`
}

/** What servers refused, by code, and with which status they answered. */
function serverAnswers({ requests, statuses, codes }: NonNullable<Health['server']>): Html {
  const most = Math.max(1, ...Object.values(codes))
  const byTimes = Object.entries(codes).sort(([, a], [, b]) => b - a)
  const isError = (code: string) => /^(INTERNAL|DATABASE_|SERVER_BUSY|COMMIT_UNCONFIRMED|5)/.test(code)
  return html`<h3>Refusals by code</h3>
<p class="quiet">Of ${count(requests)} requests: ${Object.entries(statuses)
    .map(([status, times]) => `${count(times)} × ${status}`)
    .join(', ')}; counted by the server.</p>
${
  byTimes.length === 0
    ? html`<p class="quiet">Nothing was refused.</p>`
    : html`<ul class="bars columns">${byTimes.map(
        ([code, times]) => html`<li><span class="code">${code}</span> <b>${count(times)}</b>
<span class="bar ${isError(code) ? 'bad' : ''}" style="inline-size:${((100 * times) / most).toFixed(2)}%"></span></li>`,
      )}</ul>`
}`
}

function capacityTable(capacity: readonly CapacityMetric[]): Html {
  const rows = capacity.map(({ name, share, part, whole, what, from }) =>
    row([
      html`${name}<span class="promise">${what}</span>`,
      share === null ? 'not computed' : inPercent(share),
      share === null ? '–' : html`${count(part)} of ${count(whole)}`,
      from,
    ]),
  )
  return html`<h3>Capacity</h3>${table(['metric', 'share', 'count', 'from'], rows, 'capacities')}`
}

const SCENARIO_HEADS = [
  'scenario',
  'longest statement',
  'longest lock wait',
  'waiting at once',
  'connections',
  'oldest transaction',
  'generator',
]

function scenarioTable(scenarios: readonly ScenarioResult[]): Html | null {
  const rows = scenarios.flatMap(({ name, health, generator }) =>
    health === undefined
      ? []
      : [
          row([
            html`<a href="#scenario-${name}">${name}</a><small>${count(health.samples)} samples</small>`,
            span(health.statement?.ms ?? 0),
            span(health.lockWait?.ms ?? 0),
            count(health.lockWaitsMax),
            html`${count(health.connectionsMax)} of ${count(health.connectionsAllowed)}`,
            span(health.oldestTransactionMs),
            generatorCell(generator),
          ]),
        ],
  )
  if (rows.length === 0) return null
  return html`<h3>While each scenario ran</h3>
<details><summary>${count(rows.length)} scenarios</summary>${table(SCENARIO_HEADS, rows, 'watched')}</details>`
}

function generatorCell(generator: ScenarioResult['generator']): Content {
  if (generator === undefined) return '–'
  const { droppedIterations, eventLoopDelayP99Ms, cpuCores } = generator
  const late =
    eventLoopDelayP99Ms === null ? 'lateness unknown' : `${milliseconds(eventLoopDelayP99Ms)} ms late`
  const cpu = cpuCores === null ? '' : `, ${inPercent(cpuCores)} of a core`
  return html`${late}${cpu}<small>${count(droppedIterations)} dropped</small>`
}

function tableTable({ tables }: Health): Html {
  const rows = tables.map(({ name, live, dead, lastVacuum, bytes }) =>
    row([
      html`<code>${name}</code>`,
      count(live),
      count(dead),
      inPercent(dead / Math.max(1, live + dead)),
      lastVacuum ?? 'never',
      `${(bytes / 1024 ** 2).toFixed(1)} MB`,
    ]),
  )
  return html`<h3>Tables after the load</h3>
<details><summary>${count(rows.length)} tables, those with the most dead rows first</summary>
${table(['table', 'living rows', 'dead rows', 'dead share', 'last vacuumed', 'with indexes'], rows, 'watched')}</details>`
}

function statementTable(statements: NonNullable<Health['statements']>): Html {
  const rows = statements.map(({ statement, calls, meanMs, maxMs, totalMs }) =>
    row([
      html`<code>${statement}</code>`,
      count(calls),
      milliseconds(meanMs),
      milliseconds(maxMs),
      count(totalMs),
    ]),
  )
  return html`<h3>Longest statements</h3>
<details><summary>${count(rows.length)} of pg_stat_statements, in ms</summary>
${table(['statement', 'calls', 'mean', 'longest', 'all'], rows, 'watched')}</details>`
}

function span(ms: number): string {
  return `${milliseconds(ms)} ms`
}
