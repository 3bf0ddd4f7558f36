import { type Content, type Html, html } from '../../report/markup.ts'
import { count } from '../../report/numbers.ts'
import { row, table } from '../../report/parts.ts'
import type { GuaranteeResult, Results } from '../results.ts'
import { badge, witnessBlock } from './parts.ts'
import { countExpected } from './words.ts'

const HEADS = ['guarantee', 'verdict', 'protections', 'laws', 'under load in', 'sabotage']

/** Every guarantee: what is promised, and what the run says of it. */
export function guaranteeTable(results: Results): Html {
  const rows = results.guarantees.map((guarantee) => guaranteeRow(guarantee, results.sabotage))
  return html`<section aria-labelledby="guarantees">
<h2 id="guarantees">Guarantees</h2>
<p class="lead">Each is held by protections in the database and judged by laws: views in which any row is a broken promise.</p>
${table(HEADS, rows, 'guarantees')}
${results.guarantees.flatMap(({ laws }) => laws.map(lawWitness))}
</section>`
}

function guaranteeRow(guarantee: GuaranteeResult, sabotage: Results['sabotage']) {
  const { number, name, promise, verdict, protections } = guarantee
  return row([
    html`<span class="number">${number}</span> <code>${name}</code><span class="promise">${promise}</span>`,
    badge(verdict),
    html`${protections.active} of ${protections.total}<small>in place</small>`,
    guarantee.laws.map(lawCell),
    scenarioLinks(guarantee.scenarios),
    sabotageCell(
      guarantee,
      sabotage.filter((result) => result.guarantee === name),
    ),
  ])
}

function lawCell({ name, rows, witnesses }: GuaranteeResult['laws'][number]): Content {
  const found = rows === 0 ? 'empty' : `${count(rows)} ${rows === 1 ? 'row' : 'rows'}`
  const witness = witnesses.length === 0 ? null : html`<a class="line" href="#witness-${name}">witness</a>`
  return html`<div>${found}<small><code>${name}</code></small>${witness}</div>`
}

/** Below the table: a column is too narrow for a row of a law. */
function lawWitness({ name, witnesses }: GuaranteeResult['laws'][number]): Content {
  if (witnesses.length === 0) return null
  return html`<h3 id="witness-${name}">A row of <code>${name}</code></h3>${witnessBlock(witnesses[0])}`
}

function scenarioLinks(names: readonly string[]): Content {
  if (names.length === 0) return html`<span class="quiet">nothing in this run</span>`
  return names.map((name) => html`<a class="line" href="#scenario-${name}">${name}</a>`)
}

function sabotageCell({ sabotage }: GuaranteeResult, rows: Results['sabotage']): Content {
  if (sabotage.total === 0) return html`<span class="quiet">none in this run</span>`
  const seen = `${sabotage.survived} survived, ${sabotage.caught} caught`
  return html`${countExpected(rows)} of ${sabotage.total}<small>${seen}</small>`
}
