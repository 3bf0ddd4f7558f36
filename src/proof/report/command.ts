import stringWidth from 'string-width'
import { printable } from '../../report/text.ts'

/**
 * A shell command over several lines of at most `columns`, which still runs when they are pasted: it is broken between words,
 * and within a word that is longer than a line.
 */
export function commandLines(command: string, columns: number): string[] {
  const words = printable(command).match(WORDS) ?? []
  const lines: string[] = []
  for (const word of words) {
    const joined = `${lines.at(-1)} ${word}`
    if (lines.length > 0 && stringWidth(joined) + CONTINUED.length <= columns)
      lines[lines.length - 1] = joined
    else lines.push(...breakWord(word, columns - CONTINUED.length))
  }
  return lines.map((line, at) =>
    at === lines.length - 1 ? line : line.endsWith('\n') ? line.slice(0, -1) : line + CONTINUED,
  )
}

/** Words of a shell: what stands in quotes belongs together. */
const WORDS = /(?:\\.|'[^']*'|"(?:\\.|[^"\\])*"|\S)+/gsu

const CONTINUED = ' \\'
/** The newline only marks that the word goes on; it is taken off in the end. */
const WITHIN = '\\\n'

/** A backslash at the end of a line continues the word, except in single quotes, which end before it and begin behind it. */
function breakWord(word: string, columns: number): string[] {
  const lines = ['']
  let width = 0
  let quote = ''
  let escaped = false
  for (const character of word) {
    const add = stringWidth(character)
    if (!escaped && width + add + quote.length > columns) {
      lines[lines.length - 1] += quote === "'" ? `'${WITHIN}` : WITHIN
      lines.push(quote === "'" ? quote : '')
      width = lines.at(-1)?.length ?? 0
    }
    lines[lines.length - 1] += character
    width += add
    if (escaped) escaped = false
    else if (character === '\\' && quote !== "'") escaped = true
    else if (character === quote) quote = ''
    else if (quote === '' && /['"]/.test(character)) quote = character
  }
  return lines
}
