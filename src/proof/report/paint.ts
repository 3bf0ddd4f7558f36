import { styleText } from 'node:util'
import type { Verdict } from '../results.ts'

type Style = Parameters<typeof styleText>[0]

const GROUND: Readonly<Record<Verdict, Style>> = {
  PASS: ['bold', 'white', 'bgGreen'],
  FAIL: ['bold', 'white', 'bgRed'],
  INCONCLUSIVE: ['bold', 'black', 'bgYellow'],
}

const WORDS: readonly (readonly [RegExp, Style])[] = [
  [/✓ PASS/g, 'green'],
  [/✗ FAIL/g, 'red'],
  [/\? INCONCLUSIVE/g, 'yellow'],
  [/– (?:NOT SHOWN|SKIPPED)/g, 'dim'],
]

/** The same lines in colour, which adds nothing that the words do not say. */
export function paint(lines: readonly string[], verdict: Verdict): string[] {
  const width = Math.max(...lines.filter((line) => line.startsWith('━')).map((line) => line.length))
  const atBanner = lines.findIndex((line) => line.startsWith('━')) + 1
  return lines.map((line, at) => {
    if (at === atBanner) return style(GROUND[verdict], ` ${line}`.padEnd(width))
    if (/^\p{Lu}\p{Ll}+$/u.test(line)) return style('bold', line)
    return WORDS.reduce((text, [word, color]) => text.replaceAll(word, (found) => style(color, found)), line)
  })
}

function style(color: Style, text: string): string {
  return styleText(color, text, { validateStream: false })
}
