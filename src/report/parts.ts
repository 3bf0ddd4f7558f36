import { type Content, type Html, html } from './markup.ts'

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
