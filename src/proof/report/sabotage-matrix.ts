import { type Content, type Html, html } from '../../report/markup.ts'
import { count } from '../../report/numbers.ts'
import { folded, row, table } from '../../report/parts.ts'
import type { Results, SabotageResult } from '../results.ts'
import { badge, countsLine, witnessBlock } from './parts.ts'
import { countExpected, sabotageKinds } from './words.ts'

const HEADS = ['taken away', 'expected', 'seen', 'seen by law', 'named by verify', 'verdict']

/** What was taken away, what had to be seen, and what was: a proof that cannot fail proves nothing. */
export function sabotageMatrix({ sabotage, stages }: Results): Html {
  const guarantees = [...new Set(sabotage.map(({ guarantee }) => guarantee))]
  const reason = stages.find(({ name }) => name === 'sabotage')?.reason ?? 'it did not run'
  return html`<section aria-labelledby="sabotage">
<h2 id="sabotage">Sabotage</h2>
<p class="lead">Protections are taken away in databases of their own, which are then attacked. Without any one that refuses, the
promise must survive. Without one that counts, or without all that refuse, a law must catch what breaks.</p>
${sabotage.length === 0 ? html`<p class="none">No sabotage: ${reason}.</p>` : summary(sabotage)}
${guarantees.map((name) =>
  guaranteeMatrix(
    name,
    sabotage.filter((result) => result.guarantee === name),
  ),
)}
</section>`
}

function summary(sabotage: Results['sabotage']): Html {
  return html`<ul class="tally">${sabotageKinds(sabotage).map(
    ({ what, expected, good, total }) =>
      html`<li><b>${good} of ${total}</b> ${expected}<small>${what}</small></li>`,
  )}</ul>`
}

function guaranteeMatrix(name: string, results: readonly SabotageResult[]): Html {
  const good = countExpected([...results])
  const summary = html`<code>${name}</code> ${good} of ${results.length} ended as expected`
  return folded(good === results.length, summary, table(HEADS, results.map(sabotageRow), 'sabotage'))
}

function sabotageRow(result: SabotageResult) {
  return row([
    [removalCell(result), onDemand(result)],
    result.expected === 'survives' ? 'survived' : 'caught',
    result.seen,
    seenBy(result),
    result.named ? 'yes' : 'no',
    badge(result.verdict),
  ])
}

function removalCell({ removed, kind }: SabotageResult): Content {
  if (kind !== 'all refusing') return html`<code>${removed.join(', ')}</code>`
  return html`all ${removed.length} that refuse<small>${removed.join(', ')}</small>`
}

/** Open where it went wrong. */
function onDemand({ verdict, kind, witness, attempts, outcomes, detail }: SabotageResult): Html {
  const body = html`<p>${detail}</p><p>${countsLine(outcomes)}</p>${witness === undefined ? null : witnessBlock(witness)}`
  const title = `${kind}, ${count(attempts)} attempts${witness === undefined ? '' : ', witness'}`
  return folded(verdict === 'PASS', title, body)
}

function seenBy({ laws, seenOverHttp }: SabotageResult): Content {
  const names = [...laws, ...(seenOverHttp === true ? ['over HTTP'] : [])]
  return names.length === 0 ? html`<span class="quiet">no law</span>` : lines(names)
}

function lines(names: readonly string[]): Content {
  return names.map((name) => html`<code class="line">${name}</code>`)
}
