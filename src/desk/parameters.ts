import { z } from 'zod'
import { arrayText } from '../db/array-text.ts'
import { literal } from '../db/call.ts'
import { isInt4 } from './values.ts'

/** A parameter of a verb: the type that SQL gives it, and how a value is written as a literal of that type. */
export interface Parameter<Value, Optional extends boolean = boolean> {
  /** As `format_type` names it. */
  readonly type: string
  /** SQL has a default for it, which holds where the argument is undefined. */
  readonly isOptional: Optional
  readonly write: (value: Value) => string
  /** What the literal says, as an element of an array has it; null where a value can be none of the type. */
  readonly text: (value: Value) => string | null
  /** As callers through the door give it. */
  readonly schema: z.ZodType
}

/** By name, without the `p_` that SQL puts before it. */
export type ParameterList = Readonly<Record<string, Parameter<never>>>

type ValueOf<P> = P extends Parameter<infer Value> ? Value : never
type OptionalKeys<P extends ParameterList> = {
  [Key in keyof P]: P[Key]['isOptional'] extends true ? Key : never
}[keyof P]

/** What a verb is called with: a value a parameter. */
export type Arguments<P extends ParameterList> = {
  readonly [Key in Exclude<keyof P, OptionalKeys<P>>]: ValueOf<P[Key]>
} & { readonly [Key in OptionalKeys<P>]?: ValueOf<P[Key]> | null | undefined }

export const text = quoted<string>('text', z.string(), (value) => value)
export const uuid = quoted<string>('uuid', z.guid(), (value) => value)
/** `YYYY-MM-DD`. */
export const date = quoted<string>('date', z.iso.date(), (value) => value)
/** ISO 8601 with its offset. */
export const instant = quoted<string>(
  'timestamp with time zone',
  z.iso.datetime({ offset: true }),
  (value) => value,
)
export const flag = bare<boolean>('boolean', z.boolean(), String)
export const uuids = quoted<readonly string[]>('uuid[]', z.array(z.guid()), (ids) => `{${ids.join(',')}}`)
export const json = jsonOf(z.unknown())
/** JSON that the verb reads itself. */
export function jsonOf(schema: z.ZodType): Parameter<object, false> {
  return quoted<object>('jsonb', schema, (value) => JSON.stringify(value))
}

/**
 * Whole numbers only: one that no integer can be (1.5, 1e20, NaN) goes as null, so that the verb itself refuses it, with its
 * own code and in the order that it documents.
 */
export const integer = bare<number>('integer', z.int32(), (value) => (isInt4(value) ? String(value) : null))

/** A list in which a place may be null. One constant, as `array[…]` is a node of the parser's for every place. */
export function listOf<Value>({
  type,
  schema,
  text,
}: Parameter<Value>): Parameter<readonly (Value | null)[], false> {
  return quoted<readonly (Value | null)[]>(`${type}[]`, z.array(schema.nullable()), (values) =>
    arrayText(values.map((value) => (value === null ? null : text(value)))),
  )
}

export function optional<Value>(required: Parameter<Value>): Parameter<Value, true> {
  return { ...required, isOptional: true }
}

/** Written as a string that SQL reads as the type. */
function quoted<Value>(
  type: string,
  schema: z.ZodType,
  text: (value: Value) => string,
): Parameter<Value, false> {
  return { type, schema, text, write: (value) => literal(text(value)), isOptional: false }
}

/** Written as it is. */
function bare<Value>(
  type: string,
  schema: z.ZodType,
  text: (value: Value) => string | null,
): Parameter<Value, false> {
  return { type, schema, text, write: (value) => text(value) ?? 'null', isOptional: false }
}
