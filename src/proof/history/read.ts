import type { z } from 'zod'
import {
  footer,
  type Header,
  HISTORY_SCHEMA,
  header,
  type LedgerRow,
  ledgerRow,
  type Operation,
  operation,
} from './format.ts'
import { eachLine, HistoryError, type Line, parseLine, type Span, WHOLE } from './lines.ts'

/** What was done and what is there, in one database: checkers compare nothing across two. */
export interface DatabaseHistory {
  readonly operations: readonly Operation[]
  readonly rows: readonly LedgerRow[]
}

/** A whole history, which is read again database by database: memory follows the largest one. */
export interface HistoryFile {
  readonly header: Header
  /** How many lines each has. */
  readonly databases: ReadonlyMap<string, Readonly<Counts>>
  /** Throws a HistoryError with the number of the first line that is not of the format. */
  read(database: string): Promise<DatabaseHistory>
}

interface Counts {
  operations: number
  rows: number
}

type Kind = keyof Counts
type Parts = Map<string, Counts & Span>

/**
 * Looks through a file once, line by line: that it is whole, and where each database has its lines. Throws a HistoryError, with
 * the number of the line.
 */
export async function openHistoryFile(file: string): Promise<HistoryFile> {
  let first: Header | undefined
  let isEnded = false
  const parts: Parts = new Map()
  await eachLine(file, WHOLE, (line) => {
    const place = first === undefined ? undefined : placeOf(line.bytes)
    if (isEnded)
      throw new HistoryError('HISTORY_LINE_INVALID', `line ${line.number} stands behind the last one.`)
    if (place !== undefined) return add(parts, place, line)
    const value = parseLine(line)
    if (first === undefined) first = parseHeader(value, line)
    else if ('end' in value) isEnded = isWhole(valid(footer, value, line), parts, line)
    else if ('history' in value)
      throw new HistoryError('HISTORY_SECOND_HEADER', `line ${line.number}: there is one run a file.`)
    else add(parts, placeIn(value, line), line)
  })
  if (first === undefined) throw new HistoryError('HISTORY_EMPTY', 'the file has no line.')
  if (!isEnded)
    throw new HistoryError(
      'HISTORY_CUT',
      'the last line, which counts the others, is missing: the file was cut off, or is still written.',
    )
  return { header: first, databases: parts, read: (database) => readDatabase(file, database, parts) }
}

/** Which database a line is about, and what it is. */
interface Place {
  readonly database: string
  readonly kind: Kind
}

/** Of a line as the recorder writes it, without parsing it; of any other, nothing. What is read here is checked when it is parsed. */
function placeOf(bytes: string): Place | undefined {
  const kind = bytes.startsWith(ROW) ? 'rows' : bytes.startsWith(OPERATION) ? 'operations' : undefined
  const at = bytes.indexOf(DATABASE)
  if (kind === undefined || at === -1) return undefined
  const from = at + DATABASE.length
  const database = bytes.slice(from, bytes.indexOf('"', from))
  return PLAIN.test(database) ? { kind, database } : undefined
}

const ROW = '{"version":1,"row":"'
const OPERATION = '{"version":1,"operation":"'
const DATABASE = '"database":"'
const PLAIN = /^[\w -]+$/

function placeIn(value: object, line: Line): Place {
  return 'row' in value
    ? { kind: 'rows', database: valid(ledgerRow, value, line).database }
    : { kind: 'operations', database: valid(operation, value, line).database }
}

function add(parts: Parts, { database, kind }: Place, { from, to, number }: Line): void {
  const part = parts.get(database) ?? { from, to, number, operations: 0, rows: 0 }
  part.to = to
  part[kind]++
  parts.set(database, part)
}

function isWhole(counted: z.infer<typeof footer>, parts: Parts, { number }: Line): true {
  const { operations, rows } = totalOf(parts)
  if (counted.operations === operations && counted.rows === rows) return true
  throw new HistoryError(
    'HISTORY_CUT',
    `line ${number} counts ${counted.operations} operations and ${counted.rows} rows, and there are ${operations} and ${rows}.`,
  )
}

/** Of all databases. */
export function totalOf(databases: ReadonlyMap<string, Readonly<Counts>>): Counts {
  const total = { operations: 0, rows: 0 }
  for (const { operations, rows } of databases.values()) {
    total.operations += operations
    total.rows += rows
  }
  return total
}

async function readDatabase(file: string, database: string, parts: Parts): Promise<DatabaseHistory> {
  const operations: Operation[] = []
  const rows: LedgerRow[] = []
  const part = parts.get(database)
  if (part === undefined) return { operations, rows }
  const intern = internTable()
  await eachLine(file, part, (line) => {
    const place = placeOf(line.bytes)
    if (place !== undefined && place.database !== database) return
    const value = parseLine(line)
    if (place === undefined && placeIn(value, line).database !== database) return
    if ('row' in value) rows.push(ofDatabase(database, intern(valid(ledgerRow, value, line)), line))
    else operations.push(ofDatabase(database, intern(valid(operation, value, line)), line))
  })
  return { operations, rows }
}

/** A line that names two databases is in none. */
function ofDatabase<Value extends { readonly database: string }>(
  database: string,
  value: Value,
  { number }: Line,
): Value {
  if (value.database === database) return value
  throw new HistoryError('HISTORY_LINE_INVALID', `line ${number}, database: it is there twice.`)
}

function parseHeader(value: object, line: Line): Header {
  const { number } = line
  if (!('history' in value))
    throw new HistoryError('HISTORY_FOREIGN', `line ${number} is no header: a history begins with one.`)
  if (value.history !== HISTORY_SCHEMA)
    throw new HistoryError(
      'HISTORY_FOREIGN',
      `line ${number}: this is ${JSON.stringify(value.history).slice(0, 80)}, and this version judges "${HISTORY_SCHEMA}".`,
    )
  return valid(header, value, line)
}

function valid<Schema extends z.ZodType>(schema: Schema, value: object, { number }: Line): z.output<Schema> {
  const { success, data, error } = schema.safeParse(value)
  if (success) return data
  const [issue] = error.issues
  const where = issue?.path.join('.') ?? ''
  throw new HistoryError(
    'HISTORY_LINE_INVALID',
    `line ${number}${where === '' ? '' : `, ${where}`}: ${issue?.message ?? 'not valid'}`,
  )
}

/** Interning: of a string that stands in every line, one copy is kept; of an object's fields the short ones are such. */
function internTable(): <T extends object>(value: T) => T {
  const known = new Map<string, string>()
  return (value) => {
    for (const name of INTERNED) {
      const text = Reflect.get(value, name)
      if (typeof text !== 'string') continue
      const kept = known.get(text)
      if (kept === undefined) known.set(text, text)
      else Reflect.set(value, name, kept)
    }
    return value
  }
}

const INTERNED = [
  ...['process', 'code', 'scenario', 'database', 'fault', 'tier', 'status', 'event'],
  ...['offer', 'slot', 'business'],
] as const
