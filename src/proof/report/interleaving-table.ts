import { type Content, type Html, html } from '../../report/markup.ts'
import { count } from '../../report/numbers.ts'
import { folded, row, table } from '../../report/parts.ts'
import { type InterleavingResult, NOT_STEPPED, type Results } from '../results.ts'
import { badge } from './parts.ts'

const HEADS = ['sessions', 'isolation', 'orders', 'waits', 'told, and how it stood', 'verdict']

/** How each race ended, in the orders of its statements that were stepped. */
export function interleavingTable({ interleavings, stages }: Results): Html {
  const reason = stages.find(({ name }) => name === 'interleavings')?.reason ?? 'they did not run'
  return html`<section aria-labelledby="interleavings">
<h2 id="interleavings">Interleavings</h2>
<p class="lead">Two or three sessions want the same thing, and take their steps (begin, calls, commit) one at a time, in one order after the
other. Who waits for a lock has no next step, so that not every order is stepped: the others ${NOT_STEPPED}. After each that is, the sessions
must have been told what they may be told, and every law must be empty; after one that breaks a law none is stepped.</p>
${interleavings.length === 0 ? html`<p class="none">No interleavings: ${reason}.</p>` : races(interleavings)}
</section>`
}

/** Those that passed are folded away. */
function races(interleavings: readonly InterleavingResult[]): Content {
  const passed = interleavings.filter(({ verdict }) => verdict === 'PASS')
  const open = interleavings.filter(({ verdict }) => verdict !== 'PASS')
  const rows = (results: readonly InterleavingResult[]) =>
    table(HEADS, results.map(interleavingRow), 'interleavings')
  return [
    open.length === 0 ? null : rows(open),
    passed.length === 0
      ? null
      : folded(true, `${count(passed.length)} of ${count(interleavings.length)} races passed`, rows(passed)),
  ]
}

function interleavingRow(result: InterleavingResult) {
  const { race, story, sessions, isolation, orders, stepped, waits, deadlocks, ends, verdict } = result
  return row([
    html`<b>${race}</b><span class="promise">${story}</span><small>${sessions.join(' | ')}</small>`,
    isolation,
    html`${count(stepped)} of ${count(orders)}`,
    waitsCell(waits, deadlocks),
    endLines(ends),
    badge(verdict),
  ])
}

function waitsCell(waits: number, deadlocks: number): Content {
  return deadlocks === 0 ? count(waits) : html`${count(waits)}<small>${count(deadlocks)} in a circle</small>`
}

/** The most frequent end first. */
function endLines(ends: InterleavingResult['ends']): Content {
  return Object.entries(ends)
    .sort(([, a], [, b]) => b - a)
    .map(([end, times]) => html`<span class="line">${count(times)} × <code>${end}</code></span>`)
}
