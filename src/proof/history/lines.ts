import { createReadStream, statSync } from 'node:fs'

/** The file is no history that this version can judge. */
export class HistoryError extends Error {
  readonly code:
    | 'HISTORY_UNREADABLE'
    | 'HISTORY_EMPTY'
    | 'HISTORY_FOREIGN'
    | 'HISTORY_CUT'
    | 'HISTORY_LINE_TOO_LONG'
    | 'HISTORY_LINE_INVALID'
    | 'HISTORY_SECOND_HEADER'

  constructor(code: HistoryError['code'], message: string, options?: ErrorOptions) {
    super(`${code}: ${message}`, options)
    this.code = code
  }
}

/** No operation comes near it: a cart has 50 tiers at most. */
export const LINE_BYTES_MAX = 65_536

/** Whole lines of a file: from one byte until before another, and the number of the first one. */
export interface Span {
  from: number
  to: number
  number: number
}

export const WHOLE: Span = { from: 0, to: Number.POSITIVE_INFINITY, number: 1 }

/** A line in Latin-1, so that a character is a byte, and where it begins and ends. {@link textOf} decodes it. */
export interface Line extends Readonly<Span> {
  readonly bytes: string
}

const CHUNK_BYTES = 1_048_576

/** Reads lines without keeping them. Throws a HistoryError where the last one has no end, or one never ends. */
export async function eachLine(file: string, { from, to, number }: Span, visit: (line: Line) => void) {
  let rest = ''
  let at = from
  let next = number
  const options = { start: from, end: to - 1, encoding: 'latin1', highWaterMark: CHUNK_BYTES } as const
  for await (const chunk of chunksOf(file, options)) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const bytes of lines) {
      const line = bounded({ bytes, from: at, to: at + bytes.length + 1, number: next++ })
      at = line.to
      visit(line)
    }
    bounded({ bytes: rest, from: at, to: at + rest.length, number: next })
  }
  if (rest !== '')
    throw new HistoryError(
      'HISTORY_CUT',
      `line ${next} has no end: the file was cut off, or is still written.`,
    )
}

async function* chunksOf(file: string, options: Parameters<typeof createReadStream>[1]) {
  try {
    if (!statSync(file).isFile()) throw new HistoryError('HISTORY_UNREADABLE', `${file} is no file.`)
    yield* createReadStream(file, options)
  } catch (error) {
    if (error instanceof HistoryError || !(error instanceof Error && 'code' in error)) throw error
    throw new HistoryError('HISTORY_UNREADABLE', error.message, { cause: error })
  }
}

function bounded(line: Line): Line {
  if (line.bytes.length <= LINE_BYTES_MAX) return line
  throw new HistoryError(
    'HISTORY_LINE_TOO_LONG',
    `line ${line.number} has more than ${LINE_BYTES_MAX.toLocaleString('en')} bytes.`,
  )
}

export function parseLine({ bytes, number }: Line): object {
  try {
    const value: unknown = JSON.parse(textOf(bytes))
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  } catch {
    // Said below, without the text: it may be anything.
  }
  throw new HistoryError('HISTORY_LINE_INVALID', `line ${number} is no JSON object.`)
}

function textOf(bytes: string): string {
  return BEYOND_ASCII.test(bytes) ? Buffer.from(bytes, 'latin1').toString('utf8') : bytes
}

const BEYOND_ASCII = /[\u0080-\u00ff]/
