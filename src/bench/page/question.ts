import { type Content, type Html, html } from '../../report/markup.ts'
import { row, table } from '../../report/parts.ts'
import type { Question } from '../question.ts'
import type { Result } from '../result.ts'
import { factsOf } from '../words.ts'
import { COLUMNS, columnPlot } from './columns.ts'
import { cpuPlot, latencyPlot, ratePlot } from './rates.ts'
import { ratioPlot } from './ratios.ts'

export interface Answer {
  readonly question: Question
  readonly result: Result
  readonly earlier: Result | undefined
}

/** A question, what answers it, and what each contestant did. */
export function questionSection({ question, result, earlier }: Answer): Html {
  const differences = earlier === undefined ? [] : differencesOf(earlier, result)
  const before = earlier && { result: earlier, isComparable: differences.length === 0 }
  const has = { ratios: Object.keys(result.ratios).length > 0, rates: Object.keys(result.rates).length > 0 }
  return html`<section class="question" aria-labelledby="${question.name}">
<h2 id="${question.name}">${question.name}</h2>
<p class="story">${withCode(question.asks)}</p>
<p class="quiet">${runOf(result)}. Every answer that leaves a row was counted as one afterwards, and they add up: otherwise no figure would stand here.</p>
${busyNote(result)}
${earlier === undefined ? null : beforeNote(earlier, differences)}
${result.missing.map(({ contestants, why }) => html`<p class="none"><b>Not measured:</b> ${contestants.join(' · ')}. Why: ${why}</p>`)}
${has.ratios ? figureCard('Ratios', ratioPlot(result, before)) : html`<p class="none">No ratio came out: a window in which nothing was answered has none.</p>`}
${has.rates ? figureCard('A second', ratePlot(result, before)) : null}
${has.rates ? figureCard('Latency', latencyPlot(result, before)) : null}
${(question.columns ?? []).map((name) => figureCard(COLUMNS[name].title, columnPlot(name, result, before)))}
${has.rates ? figureCard('CPU', cpuPlot(result, before)) : null}
</section>`
}

/** What stands between backticks as code. */
export function withCode(text: string): Content {
  return text.split('`').map((part, at) => (at % 2 === 1 ? html`<code>${part}</code>` : part))
}

function figureCard(title: string, plot: Html | null): Html | null {
  return plot === null ? null : html`<article class="card"><h3>${title}</h3>${plot}</article>`
}

/** What may be another in each question of a run. */
function runOf(result: Result): string {
  const facts = new Map(factsOf(result))
  return `${facts.get('Windows')} · ${facts.get('Load')}`
}

/** More work than cores: the figures are of a machine that was shared. */
function busyNote({ machine: { cores, load } }: Result): Html | null {
  const before = load.before[0] ?? 0
  if (before <= cores) return null
  return html`<p class="none"><b>Beside other work:</b> load ${before} on ${cores} cores before the first window. It slows both sides of a ratio, not equally in every round: the ranges say how much.</p>`
}

type Difference = readonly [what: string, then: string, now: string]

/** Settings under which figures are set against each other; another version is what a comparison is for. */
function differencesOf(then: Result, now: Result): readonly Difference[] {
  const setting = ({ machine, seconds }: Result): Readonly<Record<string, string>> => ({
    processor: `${machine.cpu}, ${machine.cores} cores`,
    PostgreSQL: machine.postgres.version,
    durability: `fsync ${machine.postgres.fsync}, synchronous_commit ${machine.postgres.synchronousCommit}`,
    shared_buffers: machine.postgres.sharedBuffers,
    Node: machine.node,
    pgbench: machine.pgbench ?? 'none',
    window: `${seconds} s`,
  })
  const [old, current] = [setting(then), setting(now)]
  return Object.entries(current)
    .map(([what, text]) => [what, old[what] ?? '–', text] as const)
    .filter(([, before, after]) => before !== after)
}

function beforeNote(earlier: Result, differences: readonly Difference[]): Html {
  const sentence =
    differences.length === 0
      ? 'The setting is the same.'
      : 'The setting is another: the figures stand beside each other and are not set against each other.'
  return html`<p class="quiet">Before: admit-once ${earlier.version}, ${runOf(earlier)}. ${sentence}</p>
${differences.length === 0 ? null : table(['what', 'then', 'now'], differences.map(row), 'watched plain')}`
}
