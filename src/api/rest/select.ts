import { RestError } from './errors.ts'
import { arrowsIn, type Field, nameIn, openScanner, optionalName, type Scanner } from './scanner.ts'

/** What `select` asks for: columns, and rows of other tables in their place. */
export type SelectItem = { readonly kind: 'all' } | SelectColumn | SelectEmbed

export interface SelectColumn {
  readonly kind: 'column'
  readonly field: Field
  readonly alias: string | undefined
  readonly cast: string | undefined
}

export interface SelectEmbed {
  readonly kind: 'embed'
  /** A table, a foreign key or its column, as it was named. */
  readonly target: string
  readonly alias: string | undefined
  readonly hint: string | undefined
  readonly inner: boolean
  /** Its columns stand beside those of the row that it is in. */
  readonly spread: boolean
  readonly items: readonly SelectItem[]
}

/** The name under which it is answered, filtered and ordered. */
export function embedName({ alias, target }: SelectEmbed): string {
  return alias ?? target
}

const ALL: readonly SelectItem[] = [{ kind: 'all' }]
const DEPTH_MAX = 12
const EMBEDS_MAX = 50

/** The select parameter; absent or empty it asks for everything. */
export function parseSelect(text: string | undefined): readonly SelectItem[] {
  if (text === undefined || text === '') return ALL
  const scanner = openScanner(text, 'select parameter')
  const items = itemsIn(scanner, { embeds: 0 }, 0)
  if (!scanner.done()) scanner.fail('end of input or ","')
  return items
}

interface Count {
  embeds: number
}

function itemsIn(scanner: Scanner, count: Count, depth: number): readonly SelectItem[] {
  if (depth > DEPTH_MAX) scanner.fail(`at most ${DEPTH_MAX} levels of embedding`)
  const items = [itemIn(scanner, count, depth)]
  while (scanner.takes(',')) items.push(itemIn(scanner, count, depth))
  return items
}

function itemIn(scanner: Scanner, count: Count, depth: number): SelectItem {
  if (scanner.takes('*')) return { kind: 'all' }
  const spread = scanner.takes('...')
  const first = nameIn(scanner)
  const alias = !spread && isAliasEnd(scanner) ? first : undefined
  if (alias !== undefined) scanner.expect(':')
  const name = alias === undefined ? first : nameIn(scanner)
  const hints = hintsIn(scanner)
  if (!spread && hints.length === 0 && scanner.peek() !== '(') return columnIn(scanner, name, alias)
  if (name === 'count' && scanner.text.startsWith('()', scanner.at())) throw noAggregates()
  return embedIn(scanner, { name, alias, spread, hints }, count, depth)
}

function isAliasEnd(scanner: Scanner): boolean {
  const at = scanner.at()
  return scanner.peek() === ':' && scanner.text[at + 1] !== ':'
}

function columnIn(scanner: Scanner, name: string, alias: string | undefined): SelectColumn {
  const field: Field = { name, arrows: arrowsIn(scanner) }
  if (scanner.match(AGGREGATE) !== null) throw noAggregates()
  const cast = castIn(scanner)
  if (scanner.match(AGGREGATE) !== null) throw noAggregates()
  return { kind: 'column', field, alias, cast }
}

const AGGREGATE = /\.(?:sum|avg|max|min|count)\(\)/y
/** A type by name: nothing that could be more than that. */
const TYPE = /[A-Za-z_][\w ]*(?:\(\d{1,4}(?:,\d{1,4})?\))?(?:\[\])?/y

function castIn(scanner: Scanner): string | undefined {
  if (!scanner.takes('::')) return undefined
  return scanner.match(TYPE)?.[0].trim() ?? scanner.fail('a type')
}

function hintsIn(scanner: Scanner): readonly string[] {
  const hints: string[] = []
  while (scanner.takes('!')) hints.push(optionalName(scanner) ?? scanner.fail('a hint, inner or left'))
  return hints
}

interface EmbedHead {
  readonly name: string
  readonly alias: string | undefined
  readonly spread: boolean
  readonly hints: readonly string[]
}

function embedIn(scanner: Scanner, head: EmbedHead, count: Count, depth: number): SelectEmbed {
  count.embeds += 1
  if (count.embeds > EMBEDS_MAX) scanner.fail(`at most ${EMBEDS_MAX} embedded resources`)
  const names = head.hints.filter((hint) => hint !== 'inner' && hint !== 'left')
  if (names.length > 1 || head.hints.length - names.length > 1) scanner.fail('one hint and one join type')
  scanner.expect('(')
  const items = scanner.peek() === ')' ? [] : itemsIn(scanner, count, depth + 1)
  scanner.expect(')')
  return {
    kind: 'embed',
    target: head.name,
    alias: head.alias,
    hint: names[0],
    inner: head.hints.includes('inner'),
    spread: head.spread,
    items,
  }
}

function noAggregates(): RestError {
  return new RestError('PGRST123', 'Use of aggregate functions is not allowed')
}
