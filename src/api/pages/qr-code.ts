import { raw } from 'hono/html'
import { LRUCache } from 'lru-cache'
import { encode } from 'uqr'
import type { Html } from './layout.ts'

/** A code takes 2 ms to draw, is drawn again at each look at its page, and has 5 KB. */
const PICTURES_MAX = 1_000

const pictures = new LRUCache<string, Html>({ max: PICTURES_MAX })

/** The code as a picture with the quiet zone that scanners need. */
export function qrCode(code: string): Html {
  const picture = pictures.get(code) ?? draw(code)
  pictures.set(code, picture)
  return picture
}

/** Draws these codes before a page shows them, and lets others have their turn after each. */
export async function drawCodes(codes: readonly string[]): Promise<void> {
  for (const code of codes) {
    qrCode(code)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** One line through each run of dark squares. */
function draw(code: string): Html {
  const { data, size } = encode(code, { ecc: 'M', border: 3 })
  const lines = data.flatMap((row, y) => runsOf(row).map(([from, to]) => `M${from} ${y}.5h${to - from}`))
  return raw(
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size} ${size}"><path fill="#fff" d="M0 0h${size}v${size}H0z"/><path stroke="#000" d="${lines.join('')}"/></svg>`,
  )
}

function runsOf(row: readonly boolean[]): [from: number, to: number][] {
  const runs: [number, number][] = []
  for (const [x, isDark] of row.entries()) {
    const last = runs.at(-1)
    if (isDark && last?.[1] === x) last[1] = x + 1
    else if (isDark) runs.push([x, x + 1])
  }
  return runs
}
