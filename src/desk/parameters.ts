import { literal } from '../db/call.ts'

/** A parameter of a verb: the type that SQL gives it, and how a value is written as a literal of that type. */
export interface Parameter<Value, Optional extends boolean = boolean> {
  /** As `format_type` names it. */
  readonly type: string
  /** SQL has a default for it, which holds where the argument is undefined. */
  readonly isOptional: Optional
  readonly write: (value: Value) => string
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

export const text = parameter<string>('text', literal)
export const uuid = parameter<string>('uuid', literal)
/** `YYYY-MM-DD`. */
export const date = parameter<string>('date', literal)
/** ISO 8601 with its offset. */
export const instant = parameter<string>('timestamp with time zone', literal)
export const flag = parameter<boolean>('boolean', String)
export const uuids = parameter<readonly string[]>('uuid[]', (ids) => literal(`{${ids.join(',')}}`))
export const json = parameter<object>('jsonb', (value) => literal(JSON.stringify(value)))

/**
 * Whole numbers only: one that no integer can be (1.5, 1e20, NaN) goes as null, so that the verb itself refuses it, with its
 * own code and in the order that it documents.
 */
export const integer = parameter<number>('integer', (value) => (isInt4(value) ? String(value) : 'null'))

export function optional<Value>(required: Parameter<Value>): Parameter<Value, true> {
  return { ...required, isOptional: true }
}

function parameter<Value>(type: string, write: (value: Value) => string): Parameter<Value, false> {
  return { type, write, isOptional: false }
}

function isInt4(value: number): boolean {
  return Number.isInteger(value) && Math.abs(value) < 2 ** 31
}
