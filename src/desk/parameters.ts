import { z } from 'zod'
import { literal } from '../db/call.ts'

/** A parameter of a verb: the type that SQL gives it, and how a value is written as a literal of that type. */
export interface Parameter<Value, Optional extends boolean = boolean> {
  /** As `format_type` names it. */
  readonly type: string
  /** SQL has a default for it, which holds where the argument is undefined. */
  readonly isOptional: Optional
  readonly write: (value: Value) => string
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

export const text = parameter<string>('text', z.string(), literal)
export const uuid = parameter<string>('uuid', z.guid(), literal)
/** `YYYY-MM-DD`. */
export const date = parameter<string>('date', z.iso.date(), literal)
/** ISO 8601 with its offset. */
export const instant = parameter<string>(
  'timestamp with time zone',
  z.iso.datetime({ offset: true }),
  literal,
)
export const flag = parameter<boolean>('boolean', z.boolean(), String)
export const uuids = parameter<readonly string[]>('uuid[]', z.array(z.guid()), (ids) =>
  literal(`{${ids.join(',')}}`),
)
export const json = jsonOf(z.unknown())
/** JSON that the verb reads itself. */
export function jsonOf(schema: z.ZodType): Parameter<object, false> {
  return parameter<object>('jsonb', schema, (value) => literal(JSON.stringify(value)))
}

/**
 * Whole numbers only: one that no integer can be (1.5, 1e20, NaN) goes as null, so that the verb itself refuses it, with its
 * own code and in the order that it documents.
 */
export const integer = parameter<number>('integer', z.int32(), (value) =>
  isInt4(value) ? String(value) : 'null',
)

/** A list in which a place may be null. */
export function listOf<Value>({
  type,
  schema,
  write,
}: Parameter<Value>): Parameter<readonly (Value | null)[], false> {
  return parameter(`${type}[]`, z.array(schema.nullable()), (values) => {
    const written = values.map((value) => (value === null ? 'null' : write(value)))
    return `array[${written.join(',')}]::${type}[]`
  })
}

export function optional<Value>(required: Parameter<Value>): Parameter<Value, true> {
  return { ...required, isOptional: true }
}

function parameter<Value>(
  type: string,
  schema: z.ZodType,
  write: (value: Value) => string,
): Parameter<Value, false> {
  return { type, schema, write, isOptional: false }
}

function isInt4(value: number): boolean {
  return Number.isInteger(value) && Math.abs(value) < 2 ** 31
}
