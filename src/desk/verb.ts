import { z } from 'zod'
import type { Lane } from '../core/capacity.ts'
import { isRefusalCode, type RefusalCode } from '../core/refusals.ts'
import { type Caller, call } from '../db/call.ts'
import type { Row, Runner } from '../db/pool.ts'
import type { Arguments, Parameter, ParameterList } from './parameters.ts'

/**
 * A verb of the vault as a function: one call, one round trip, one transaction. Throws where the database fails; what the verb
 * refuses is an answer.
 */
export interface Verb<Given, Answer> {
  (database: Runner, caller: Caller, args: Given): Promise<Answer>
  readonly definition: Definition
  /** The answer that PostgreSQL's text of it is, where another verb gave it. */
  read(text: string): Answer
}

/** What the registry says about a verb. */
export interface Definition {
  /** The SQL function's. */
  readonly name: string
  /** Where a request that asks for it works. */
  readonly lane: Lane
  readonly parameters: ParameterList
  /** The codes that it refuses with; none where its answer is no {success, …}. */
  readonly refusals: readonly RefusalCode[]
  readonly returns: Returns
  /** What a caller through the door is given where it is not refused; a row of it where the verb gives rows. */
  readonly answer?: z.ZodType
}

/** An object that says whether it was a success, one plain value, a set of rows (or of them as texts), or nothing. */
type Returns = 'answer' | 'value' | 'rows' | 'texts' | 'nothing'

/** A refusal, in one shape whichever of the two the verb has: a code, a sentence, and what the verb adds to it. */
export interface Refused<Code extends RefusalCode = RefusalCode> {
  readonly success: false
  readonly code: Code
  readonly message: string | undefined
  readonly more: Readonly<Record<string, unknown>>
}

/** An answer without success says why. */
export type Success<Facts> = Facts & { readonly success: true }

/** Begins the definition of a verb: its name, its lane, its parameters. What it answers follows, as a schema where it has a door. */
export function verb<P extends ParameterList>(name: string, lane: Lane, parameters: P) {
  const head = { name, lane, parameters }
  type Given = Arguments<P>
  return {
    /** Answers {success: true, …Facts}, or one of these refusals. */
    refuses: <Code extends RefusalCode>(...refusals: readonly Code[]) => ({
      answers: <Facts>(facts?: z.ZodObject<z.ZodRawShape, z.core.$strip> & z.ZodType<Facts>) =>
        define<Given, Success<Facts> | Refused<Code>>(
          { ...head, refusals, returns: 'answer', ...answering(facts?.extend({ success: z.literal(true) })) },
          parseAnswer,
        ),
    }),
    gives: <Value>(value?: z.ZodType<Value>) =>
      define<Given, Value>({ ...head, refusals: [], returns: 'value', ...answering(value) }, parseValue),
    givesRows: <Row>(row?: z.ZodType<Row>) =>
      define<Given, readonly Row[]>(
        { ...head, refusals: [], returns: 'rows', ...answering(row) },
        parseValue,
      ),
    /** A set of values, each as PostgreSQL writes it, for whoever passes it on byte for byte. */
    givesTexts: () =>
      define<Given, readonly (string | null)[]>({ ...head, refusals: [], returns: 'texts' }, parseTexts),
    givesNothing: () => define<Given, void>({ ...head, refusals: [], returns: 'nothing' }, () => {}),
  }
}

function answering(answer: z.ZodType | undefined): Pick<Definition, 'answer'> {
  return answer === undefined ? {} : { answer }
}

/** The one place that calls the vault. */
function define<Given, Answer>(
  definition: Definition,
  parse: (rows: readonly Row[], definition: Definition) => unknown,
): Verb<Given, Answer> {
  const run = async (database: Runner, caller: Caller, args: Given) => {
    const sql = statement(definition, args as Readonly<Record<string, unknown>>)
    const rows = await call(database, { caller, sql })
    return parse(rows, definition) as Answer
  }
  return Object.assign(run, { definition, read: (text: string) => parse([[text]], definition) as Answer })
}

/** Named arguments; what is undefined is left to SQL's own default. */
function statement(
  { name, parameters, returns }: Definition,
  args: Readonly<Record<string, unknown>>,
): string {
  let list = ''
  for (const key in args) {
    const value = args[key]
    const parameter = parameters[key]
    if (value === undefined || parameter === undefined) continue
    list += `${list === '' ? '' : ', '}p_${key} => ${writeArgument(parameter, value)}`
  }
  const called = `ticketing.${name}(${list})`
  if (returns === 'rows') return `select coalesce(json_agg(r), '[]')::text from ${called} r`
  return returns === 'texts' ? `select r::text from ${called} r` : `select ${called}::text`
}

function writeArgument({ write }: Parameter<never>, value: unknown): string {
  return value === null ? 'null' : write(value as never)
}

function parseValue([row]: readonly Row[]): unknown {
  return JSON.parse(row?.[0] ?? 'null')
}

function parseTexts(rows: readonly Row[]): readonly (string | null)[] {
  return rows.map(([text = null]) => text)
}

/** Refusals come as {error: code, message} or, of several tiers at once, as {error_code, error: message}. */
function parseAnswer(rows: readonly Row[], { name }: Definition): unknown {
  const answer = parseValue(rows) as Readonly<Record<string, unknown>> | null
  if (answer?.['success'] === true) return answer
  if (answer?.['success'] !== false) throw new Error(`${name} answered neither success nor a refusal`)
  const { success, error, error_code, message, ...more } = answer
  const code = error_code ?? error
  if (!isRefusalCode(code)) {
    throw new Error(`${name} refused with a code that is not in the registry: ${String(code)}`)
  }
  return { success, code, message: error_code === undefined ? message : error, more }
}
