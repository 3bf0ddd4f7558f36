import { html } from '../../report/markup.ts'
import type { Results } from '../results.ts'

const LABEL = 'admit once'
/** Of a letter at 11 px, with room. */
const LETTER_PX = 7
const COLORS: Readonly<Record<Results['verdict'], string>> = {
  PASS: '#1a7f37',
  FAIL: '#cf222e',
  INCONCLUSIVE: '#9a6700',
}

/** The verdict as a badge: how many guarantees this run showed, which a short run does not make more. */
export function badgeSvg({ verdict, guarantees }: Results): string {
  const shown = guarantees.filter((guarantee) => guarantee.verdict === 'PASS').length
  const said = `${verdict} ${shown}/${guarantees.length}`
  const left = LABEL.length * LETTER_PX + 10
  const right = said.length * LETTER_PX + 14
  const title = `${LABEL}: ${verdict}, ${shown} of ${guarantees.length} guarantees shown`
  return `${String(html`<svg xmlns="http://www.w3.org/2000/svg" width="${left + right}" height="20" role="img" aria-label="${title}"><title>${title}</title>
<rect width="${left}" height="20" fill="#24292f"/><rect x="${left}" width="${right}" height="20" fill="${COLORS[verdict]}"/>
<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11"><text x="${left / 2}" y="14">${LABEL}</text><text x="${left + right / 2}" y="14">${said}</text></g></svg>`)}\n`
}
