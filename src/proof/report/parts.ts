import { type Content, type Html, html } from './markup.ts'
import { type AnyVerdict, SIGNS, witnessText } from './words.ts'

/** The word of a verdict with its sign; colour only repeats it. */
export function badge(verdict: AnyVerdict): Html {
  const style = verdict.toLowerCase().replace(' ', '-')
  return html`<span class="badge ${style}"><span aria-hidden="true">${SIGNS[verdict]}</span> ${verdict}</span>`
}

export type Row = readonly Content[]

/** The first cell names the row. */
export function row(cells: Row): Row {
  return cells
}

/**
 * A table that becomes a list of cards on a phone: each cell carries the name of its column, and the roles keep it a
 * table for those who hear it.
 */
export function table(heads: readonly string[], rows: readonly Row[], style: string): Html {
  return html`<table class="${style}" role="table">
<thead role="rowgroup"><tr role="row">${heads.map((head) => html`<th role="columnheader" scope="col">${head}</th>`)}</tr></thead>
<tbody role="rowgroup">${rows.map(
    (cells) => html`<tr role="row">${cells.map((cell, at) => tableCell(cell, heads[at] ?? '', at))}</tr>
`,
  )}</tbody>
</table>`
}

function tableCell(content: Content, head: string, at: number): Html {
  return at === 0
    ? html`<th role="rowheader" scope="row">${content}</th>`
    : html`<td role="cell" data-head="${head}"><div>${content}</div></td>`
}

/** What passed is folded away; what did not stands open. */
export function folded(isFolded: boolean, summary: Content, body: Content): Html {
  return isFolded
    ? html`<details><summary>${summary}</summary>${body}</details>`
    : html`<details open><summary>${summary}</summary>${body}</details>`
}

const WITNESS_CHARACTERS_MAX = 20_000

/** The rows that show it, as they were seen. */
export function witnessBlock(witness: unknown): Html {
  const text = witnessText(witness)
  const cut = text.length > WITNESS_CHARACTERS_MAX
  return html`<pre class="witness">${text.slice(0, WITNESS_CHARACTERS_MAX)}${cut ? '\n… the rest is in results.json' : ''}</pre>`
}

/** Outcomes or other counts in one line, the most frequent first. */
export function countsLine(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .sort(([, a], [, b]) => b - a)
    .map(([code, times]) => `${times} × ${code}`)
    .join(', ')
}
