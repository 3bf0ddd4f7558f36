import { stripVTControlCharacters } from 'node:util'
import stringWidth from 'string-width'
import wrapAnsi from 'wrap-ansi'

/** Text for a terminal: widths as a terminal counts them, and lines that never exceed what they were given. */

export interface Column {
  readonly head: string
  readonly align?: 'right'
}

const GAP = '  '
export const INDENT = '  '

export function indent(lines: readonly string[]): string[] {
  return lines.map((line) => INDENT + line)
}

/** Lines below their title. */
export function section(title: string, lines: readonly string[]): string[] {
  return [title, ...indent(lines)]
}

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
  const widths = columns.map((_, at) =>
    Math.max(...cells.map((row) => stringWidth(printable(row[at] ?? '')))),
  )
  const available = columnsMax - GAP.length * (columns.length - 1)
  for (let excess = widths.reduce((sum, width) => sum + width, 0) - available; excess > 0; excess--) {
    const widest = widths.indexOf(Math.max(...widths))
    widths[widest] = Math.max(2, (widths[widest] ?? 2) - 1)
  }
  return widths
}

function pad(text: string, width: number, align: Column['align']): string {
  const space = ' '.repeat(Math.max(0, width - stringWidth(text)))
  return align === 'right' ? space + text : text + space
}

/** Lines of at most `width`, broken between words (not at a no-break space), and within a word that is longer than a line. */
export function wrap(text: string, width: number): string[] {
  return printable(text)
    .split('\n')
    .flatMap((line) => wrapLine(line, width))
}

/** The lines that follow are indented as the first one is. */
function wrapLine(line: string, width: number): string[] {
  const indent = (/^ */.exec(line)?.[0] ?? '').slice(0, Math.floor(width / 2))
  return wrapAnsi(line.trim(), width - indent.length, { hard: true })
    .split('\n')
    .map((wrapped) => (indent + wrapped).trimEnd().replaceAll('\u00a0', ' '))
}

/**
 * What a run has seen may be anything: no escape sequence of it reaches the terminal, and nothing that is invisible or
 * turns the reading order around.
 */
export function printable(text: string): string {
  return stripVTControlCharacters(text).replaceAll('\t', '  ').replaceAll(UNPRINTABLE, '')
}

const UNPRINTABLE = /(?!\n)\p{Cc}|[\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu
