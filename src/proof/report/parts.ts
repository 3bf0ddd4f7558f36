import { type Html, html } from '../../report/markup.ts'
import { type AnyVerdict, SIGNS, witnessText } from './words.ts'

/** The word of a verdict with its sign; colour only repeats it. */
export function badge(verdict: AnyVerdict): Html {
  const style = verdict.toLowerCase().replace(' ', '-')
  return html`<span class="badge ${style}"><span aria-hidden="true">${SIGNS[verdict]}</span> ${verdict}</span>`
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
