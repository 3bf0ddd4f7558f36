import { type Html, html } from './markup.ts'

/** What charts have in common: drawn as SVG where the page is made, and said below in words and as a table. */

interface Key {
  /** 22 units wide and 10 high. */
  readonly mark: Html
  readonly name: string
}

export function legend(keys: readonly Key[]): Html {
  return html`<ul class="legend">${keys.map(
    ({
      mark,
      name,
    }) => html`<li><svg viewBox="0 0 22 10" width="22" height="10" aria-hidden="true">${mark}</svg>${name}</li>
`,
  )}</ul>`
}

/** The figures of a chart, for those who do not see it; the first of a row names it. */
export function figureTable(heads: readonly string[], rows: readonly (readonly string[])[]): Html {
  return html`<details class="points"><summary>Figures</summary><table><thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead><tbody>
${rows.map(
  (
    cells,
  ) => html`<tr>${cells.map((cell, at) => (at === 0 ? html`<th scope="row">${cell}</th>` : html`<td>${cell}</td>`))}</tr>
`,
)}</tbody></table></details>`
}

/** As fine as a drawing needs it. */
export function tenth(value: number): number {
  return Math.round(value * 10) / 10
}
