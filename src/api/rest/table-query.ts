import { RestError } from './errors.ts'
import { type Condition, parseFilter, parseLogic } from './filter.ts'
import { type OrderTerm, parseOrder } from './order.ts'
import { arrowsIn, nameIn, openScanner, optionalName } from './scanner.ts'
import { parseSelect, type SelectItem } from './select.ts'

/** What a query string says of one table in the tree of embedded ones. */
export interface Clauses {
  readonly conditions: readonly Condition[]
  readonly order: readonly OrderTerm[]
  readonly limit: number | undefined
  readonly offset: number
}

export interface TableQuery {
  readonly select: readonly SelectItem[]
  readonly root: Clauses
  /** By the names that lead to them, see `pathKey`. */
  readonly embedded: ReadonlyMap<string, Clauses>
  /** Of an insert: the columns that are taken from the body; undefined: those that it names. */
  readonly columns: readonly string[] | undefined
  readonly onConflict: readonly string[] | undefined
}

export function pathKey(names: readonly string[]): string {
  return JSON.stringify(names)
}

export const NO_CLAUSES: Clauses = { conditions: [], order: [], limit: undefined, offset: 0 }

const CONDITIONS_MAX = 200

/** Reads the query string of a table's request. */
export function parseTableQuery(parameters: Iterable<readonly [string, string]>): TableQuery {
  const clauses = new Map<string, Clauses>()
  const first = new Map<string, string>()
  let conditions = 0
  for (const [key, value] of parameters) {
    if (key === 'apikey') continue
    if (TOP_LEVEL.has(key)) {
      if (!first.has(key)) first.set(key, withoutNul(value))
      continue
    }
    conditions += 1
    if (conditions > CONDITIONS_MAX) throw tooMany()
    const { path, change } = clauseOf(withoutNul(key), withoutNul(value))
    const at = pathKey(path)
    clauses.set(at, { ...NO_CLAUSES, ...clauses.get(at), ...change(clauses.get(at) ?? NO_CLAUSES) })
  }
  const root = pathKey([])
  return {
    select: parseSelect(first.get('select')),
    root: clauses.get(root) ?? NO_CLAUSES,
    embedded: new Map([...clauses].filter(([path]) => path !== root)),
    columns: namesOf(first.get('columns'), 'columns parameter'),
    onConflict: namesOf(first.get('on_conflict'), 'on_conflict parameter'),
  }
}

const TOP_LEVEL = new Set(['select', 'columns', 'on_conflict'])

interface Clause {
  readonly path: readonly string[]
  readonly change: (before: Clauses) => Partial<Clauses>
}

/** `rel.col=…` and `rel.order=…` speak of the rows of `rel`; what is no clause is a filter. */
function clauseOf(key: string, value: string): Clause {
  const scanner = openScanner(key, 'tree path')
  const names = [nameIn(scanner)]
  while (scanner.takes('.')) names.push(nameIn(scanner))
  const arrows = arrowsIn(scanner)
  if (!scanner.done()) scanner.fail('end of input')
  const last = names.at(-1) ?? ''
  const path = names.slice(0, -1)
  if (arrows.length === 0) {
    if (last === 'order') return { path, change: () => ({ order: parseOrder(value) }) }
    if (last === 'limit') return { path, change: () => ({ limit: countOf('limit', value) }) }
    if (last === 'offset') return { path, change: () => ({ offset: countOf('offset', value) }) }
    if (last === 'and' || last === 'or') return logicClause(last, path, value)
  }
  const filter = parseFilter({ name: last, arrows }, value)
  return { path, change: ({ conditions }) => ({ conditions: [...conditions, filter] }) }
}

function logicClause(kind: 'and' | 'or', path: readonly string[], value: string): Clause {
  const negated = path.at(-1) === 'not'
  const logic = parseLogic(kind, negated, value)
  return {
    path: negated ? path.slice(0, -1) : path,
    change: ({ conditions }) => ({ conditions: [...conditions, logic] }),
  }
}

/** The value of `limit` or `offset`. */
function countOf(name: 'limit' | 'offset', value: string): number {
  if (/^\d{1,15}$/.test(value)) return Number(value)
  if (/^-\d+$/.test(value)) {
    const details = `${name === 'limit' ? 'Limit' : 'Offset'} should be greater than or equal to zero.`
    throw new RestError('PGRST103', 'Requested range not satisfiable', details)
  }
  throw new RestError('PGRST100', `"failed to parse ${name} parameter (${value})" (line 1, column 1)`)
}

function namesOf(text: string | undefined, what: string): readonly string[] | undefined {
  if (text === undefined || text === '') return undefined
  const scanner = openScanner(text, what)
  const names = [nameIn(scanner)]
  while (scanner.takes(',')) names.push(optionalName(scanner) ?? scanner.fail('a column'))
  if (!scanner.done()) scanner.fail('end of input or ","')
  return names
}

/** PostgreSQL has no NUL in any text. */
function withoutNul(text: string): string {
  if (!text.includes('\0')) return text
  throw new RestError(
    'PGRST100',
    '"failed to parse the query" (line 1, column 1)',
    'unexpected NUL character',
  )
}

function tooMany(): RestError {
  return new RestError('PGRST100', `At most ${CONDITIONS_MAX} filters are read`)
}
