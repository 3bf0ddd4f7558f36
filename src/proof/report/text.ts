import { stripVTControlCharacters } from 'node:util'

/** Text for a terminal: widths as a terminal counts them, and lines that never exceed what they were given. */

export interface Column {
  readonly head: string
  readonly align?: 'right'
}

const GAP = '  '

/**
 * The lines of each row, the head first. Columns are as wide as they need; where that is too much, the widest give way
 * and their cells wrap.
 */
export function tableRows(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  columnsMax: number,
): string[][] {
  const cells = [columns.map(({ head }) => head), ...rows]
  const widths = widthsOf(columns, cells, columnsMax)
  return cells.map((row) => {
    const wrapped = columns.map((_, at) => wrap(row[at] ?? '', widths[at] ?? 1))
    const height = Math.max(...wrapped.map((lines) => lines.length))
    return Array.from({ length: height }, (_, line) =>
      columns
        .map(({ align }, at) => pad(wrapped[at]?.[line] ?? '', widths[at] ?? 1, align))
        .join(GAP)
        .trimEnd(),
    )
  })
}

function widthsOf(
  columns: readonly Column[],
  cells: readonly (readonly string[])[],
  columnsMax: number,
): number[] {
  const widths = columns.map((_, at) => Math.max(...cells.map((row) => widthOf(printable(row[at] ?? '')))))
  const room = columnsMax - GAP.length * (columns.length - 1)
  for (let excess = widths.reduce((sum, width) => sum + width, 0) - room; excess > 0; excess--) {
    const widest = widths.indexOf(Math.max(...widths))
    widths[widest] = Math.max(2, (widths[widest] ?? 2) - 1)
  }
  return widths
}

function pad(text: string, width: number, align: Column['align']): string {
  const space = ' '.repeat(Math.max(0, width - widthOf(text)))
  return align === 'right' ? space + text : text + space
}

/** Lines of at most `width`, broken between words (not at a no-break space), and within a word that is longer than a line. */
export function wrap(text: string, width: number): string[] {
  return printable(text)
    .split('\n')
    .flatMap((line) => wrapLine(line, width))
}

function wrapLine(line: string, width: number): string[] {
  const lines = ['']
  for (const word of line.split(/(?<= )(?=[^ ])/).flatMap((long) => pieces(long, width))) {
    const last = lines.at(-1) ?? ''
    if (last !== '' && widthOf(last) + widthOf(word.trimEnd()) > width) lines.push(word)
    else lines[lines.length - 1] = last + word
  }
  return lines.map((wrapped) => wrapped.trimEnd().replaceAll('\u00a0', ' '))
}

/** A word, or as many parts of it as lines are needed for it. */
function pieces(word: string, width: number): string[] {
  const parts = ['']
  let used = 0
  for (const { segment } of graphemes.segment(word)) {
    const cells = cellsOf(segment)
    if (segment !== ' ' && used + cells > width) {
      parts.push('')
      used = 0
    }
    parts[parts.length - 1] += segment
    used += cells
  }
  return parts
}

/**
 * What a run has seen may be anything: no escape sequence of it reaches the terminal, and nothing that is invisible or
 * turns the reading order around.
 */
export function printable(text: string): string {
  return stripVTControlCharacters(text).replaceAll('\t', '  ').replaceAll(UNPRINTABLE, '')
}

const UNPRINTABLE = /(?!\n)\p{Cc}|[\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })

/** Cells that a terminal uses: two for East Asian wide characters and emoji, none for marks. */
export function widthOf(text: string): number {
  if (ASCII.test(text)) return text.length
  return [...graphemes.segment(text)].reduce((sum, { segment }) => sum + cellsOf(segment), 0)
}

function cellsOf(grapheme: string): number {
  return MARK.test(grapheme) ? 0 : WIDE.test(grapheme) ? 2 : 1
}

const ASCII = /^[ -~]*$/
const MARK = /^[\p{Mn}\p{Me}\p{Cf}]+$/u
const WIDE =
  /^(?:[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{16fe0}-\u{18aff}\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}])|\p{Emoji_Presentation}|\ufe0f/u
