import { RestError } from './errors.ts'

/** Reads a query parameter from left to right; what does not fit is refused with its place, as PostgREST does. */
export interface Scanner {
  readonly text: string
  at(): number
  done(): boolean
  peek(): string
  /** Takes `word` where it stands next. */
  takes(word: string): boolean
  /** Takes what the sticky pattern matches here, if anything. */
  match(pattern: RegExp): RegExpExecArray | null
  expect(word: string): void
  moveTo(at: number): void
  fail(expecting: string): never
}

/** `what` is how messages call the parameter, such as `select parameter`. */
export function openScanner(text: string, what: string): Scanner {
  let at = 0
  const fail = (expecting: string): never => {
    const next = at < text.length ? JSON.stringify(text[at]) : 'end of input'
    throw new RestError(
      'PGRST100',
      `"failed to parse ${what} (${text})" (line 1, column ${at + 1})`,
      `unexpected ${next} expecting ${expecting}`,
    )
  }
  const takes = (word: string) => {
    const is = text.startsWith(word, at)
    if (is) at += word.length
    return is
  }
  return {
    text,
    at: () => at,
    done: () => at >= text.length,
    peek: () => text[at] ?? '',
    takes,
    match: (pattern) => {
      pattern.lastIndex = at
      const found = pattern.exec(text)
      if (found !== null) at = pattern.lastIndex
      return found
    },
    expect: (word) => {
      if (!takes(word)) fail(JSON.stringify(word))
    },
    moveTo: (place) => {
      at = place
    },
    fail,
  }
}

/** Letters, digits, `_`, `$` and spaces, or anything in quotes; a `-` that begins no arrow is part of a name. */
const NAME = /(?:[\p{L}\p{N}_$ ]|-(?!>))+/uy
const QUOTED = /"((?:[^"\\]|\\.)*)"/sy

export function nameIn(scanner: Scanner): string {
  const name = optionalName(scanner)
  return name ?? scanner.fail('field name (* or [a..z0..9_$])')
}

export function optionalName(scanner: Scanner): string | undefined {
  const quoted = quotedIn(scanner)
  if (quoted !== undefined) return quoted
  const name = scanner.match(NAME)?.[0].trim()
  return name === '' ? undefined : name
}

/** What stands in double quotes, a backslash before what it takes literally. */
export function quotedIn(scanner: Scanner): string | undefined {
  return scanner.match(QUOTED)?.[1]?.replace(/\\(.)/gs, '$1')
}

/** One step into a JSON value. */
export interface Arrow {
  /** `->>`: as text. */
  readonly text: boolean
  readonly key: string
  readonly isIndex: boolean
}

/** A column, and where in its JSON value. */
export interface Field {
  readonly name: string
  readonly arrows: readonly Arrow[]
}

const ARROW = /->>?/y
const INDEX = /[+-]?\d+(?=$|->|::|[.,:)])/y
const KEY = /(?:[^\s,().:"\\-]|-(?!>)| )+/uy
const ARROWS_MAX = 32

export function fieldIn(scanner: Scanner): Field {
  return { name: nameIn(scanner), arrows: arrowsIn(scanner) }
}

export function arrowsIn(scanner: Scanner): readonly Arrow[] {
  const arrows: Arrow[] = []
  for (let arrow = scanner.match(ARROW); arrow !== null; arrow = scanner.match(ARROW)) {
    if (arrows.length === ARROWS_MAX) scanner.fail(`at most ${ARROWS_MAX} arrows`)
    const text = arrow[0] === '->>'
    const index = scanner.match(INDEX)?.[0]
    const key = index ?? quotedIn(scanner) ?? scanner.match(KEY)?.[0] ?? scanner.fail('an index or a key')
    arrows.push({ text, key, isIndex: index !== undefined })
  }
  return arrows
}
