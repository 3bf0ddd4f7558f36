import { type Content, type Html, html } from '../../report/markup.ts'
import { count, momentOf, seconds } from '../../report/numbers.ts'
import { factList, page, ticket } from '../../report/page.ts'
import type { Question } from '../question.ts'
import type { RatioResult } from '../result.ts'
import { isMet, targetText } from '../spread.ts'
import { digits, factsOf } from '../words.ts'
import { type Answer, questionSection, withCode } from './question.ts'
import { sumOf } from './ratios.ts'
import { STYLE } from './style.ts'

export interface BenchRun {
  /** ISO 8601. */
  readonly startedAt: string
  readonly durationMs: number
  /** It asks the same again. */
  readonly command: string
  readonly answers: readonly [Answer, ...Answer[]]
  /** Asked, and not answered: the run has not come to them, or ended before. */
  readonly unanswered: readonly Question[]
}

/** A run as one page: how many ratios are where they are wanted, then each question with its plots, the results inside. */
export function benchPage(run: BenchRun): string {
  const names = run.answers.map(({ question }) => question.name).join(', ')
  return page({
    title: `${names} · Admit Once, bench`,
    style: STYLE,
    header: ticketOf(run),
    main: html`${PATTERNS}${contentsOf(run)}
${overview(run)}
${theRun(run)}
${run.answers.map(questionSection)}
${HOW_TO_READ}`,
    results: run.answers.map(({ result, earlier }) => ({ ...result, ...(earlier && { before: earlier }) })),
  })
}

function ticketOf({ answers, startedAt, durationMs }: BenchRun): Html {
  const ratios = answers.flatMap(({ question: { name }, result: { ratios } }) =>
    Object.values(ratios).map((ratio) =>
      answers.length === 1 ? ratio : { ...ratio, label: `${name}: ${ratio.label}` },
    ),
  )
  const wanted = ratios.filter(({ target }) => target !== undefined)
  const missed = wanted.filter((ratio) => isMet(ratio, ratio.target) === false)
  const [{ result, question }] = answers
  const { load } = result.machine
  const last = answers.at(-1)?.result.machine.load ?? load
  return ticket({
    tone: 'bench',
    kind: 'the bench',
    title: wanted.length === 0 ? titleOf(answers) : `${wanted.length - missed.length} of ${wanted.length}`,
    sentence: wanted.length === 0 ? question.asks : sentenceOf(wanted.length, missed.length),
    more: missed.length === 0 ? null : missedList(missed),
    stub: [
      ['Started', momentOf(startedAt)],
      ['Took', durationMs < MINUTE_MS ? seconds(durationMs) : `${count(durationMs / MINUTE_MS)} min`],
      ['Version', result.version],
      [
        'Load',
        `${load.before[0] ?? '?'} before, ${last.after[0] ?? '?'} after, ${result.machine.cores} cores`,
      ],
    ],
  })
}

const MINUTE_MS = 60_000

function titleOf(answers: BenchRun['answers']): string {
  return answers.length === 1 ? answers[0].question.name : `${count(answers.length)} questions`
}

function sentenceOf(wanted: number, missed: number): string {
  const where = wanted === 1 ? 'wanted ratio is where it should be' : 'wanted ratios are where they should be'
  return missed === 0 ? `${where}.` : `${where}. Not so:`
}

function missedList(missed: readonly RatioResult[]): Html {
  return html`<ul class="unmet">${missed.map(
    ({ label, median, target }) =>
      html`<li>${label} · <b>${digits(median)}</b>, wanted ${target === undefined ? '' : targetText(target)}</li>
`,
  )}</ul>`
}

function contentsOf({ answers }: BenchRun): Html {
  return html`<nav aria-label="On this page">${answers.map(({ question: { name } }) => html`<a href="#${name}">${name}</a> `)}
<a href="#run">The run</a> <a href="#reading">How to read it</a></nav>`
}

/** Each question in a line, where there are several. */
function overview({ answers, unanswered }: BenchRun): Content {
  const missing =
    unanswered.length === 0
      ? null
      : html`<p class="none"><b>Asked and not answered:</b> ${unanswered.map(({ name }) => name).join(' · ')}. The run had not come to it when this page was written.</p>`
  if (answers.length === 1) return missing
  return html`<ul class="tally">${answers.map(
    ({ question: { name, asks }, result }) =>
      html`<li><a href="#${name}"><b>${name}</b></a> <span>${sumOf(Object.values(result.ratios))}</span><small>${withCode(asks)}</small></li>
`,
  )}</ul>${missing}`
}

/** Load and windows stand with each question. */
function theRun({ answers, command }: BenchRun): Html {
  const facts = factsOf(answers[0].result).filter(([term]) => term !== 'Windows' && term !== 'Load')
  const { platform } = answers[0].result.machine
  return html`<section aria-labelledby="run">
<h2 id="run">The run</h2>
${factList([...facts, ['System', platform]])}
<p class="again">The same again: <code class="command">${command}</code></p>
</section>`
}

/** Surfaces that are told apart without colour. */
const PATTERNS = html`<svg class="patterns" aria-hidden="true"><defs>
<pattern id="hatched" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="5" height="5" fill="var(--line)"/><rect width="2" height="5" fill="var(--hatch)"/></pattern>
<pattern id="dotted" width="6" height="6" patternUnits="userSpaceOnUse"><rect width="6" height="6" fill="var(--postgres)"/><circle cx="3" cy="3" r="1.1" fill="var(--card)"/></pattern>
</defs></svg>`

const HOW_TO_READ = html`<section aria-labelledby="reading">
<h2 id="reading">How to read it</h2>
<p class="lead"><b>Ratios.</b> Each contestant has one window a round, in an order that turns. A ratio is of two windows of one round, so that what slows the
machine down slows both sides; the mark is the median of the rounds, the line goes from the least to the most. A ratio is met where its median is where it is
wanted: speed has no verdict beyond that.</p>
<p class="lead"><b>Figures a second</b> and latencies belong to this machine, PostgreSQL's settings and the load that stand above. Latencies of an open load, where the
contestant says how much is offered, count from when a request was due.</p>
<p class="lead"><b>CPU</b> is that of all cores while the contestant had its window. A contestant that needs no server leaves that share out.</p>
</section>`
