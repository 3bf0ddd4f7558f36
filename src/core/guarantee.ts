/** A promise to users: one entry of the registry. */
export interface Guarantee {
  /** Its number in the documentation; the order of every list. */
  readonly number: number
  readonly name: string
  readonly promise: string
  /** Views in schema `ticketing`, named law_<name>: any row is a broken promise. */
  readonly laws: readonly string[]
  /** What puts the promise under load in `admit-once prove`. */
  readonly scenarios: readonly string[]
  /** Each refusal is needed: without any one of them the promise is broken, and that is seen. Else one less still holds. */
  readonly refusesAlone?: true
  readonly protections: readonly Protection[]
}

export type Protection = {
  readonly name: string
  /** `refuses`: stops a broken promise. `counts`: keeps what the refusing ones read. `guards`: keeps both from being bypassed. */
  readonly role: 'refuses' | 'counts' | 'guards'
  /** The table, or for a decision the function, schema-qualified. */
  readonly object: string
  /** Further functions of which it is made: a change of one is a change of the protection. */
  readonly uses?: readonly string[]
} & (
  | { readonly kind: 'trigger' | 'constraint' | 'index' }
  | {
      /** `setting`: of the server, by name; `schema`: all parts of a class (sql/parts/schema_parts.sql). */
      readonly kind: 'setting' | 'schema'
      /** How sabotage takes it away. */
      readonly without: string
    }
  | {
      readonly kind: 'decision'
      /** How sabotage takes it away: in this function, this fragment becomes that. Each must occur exactly once. */
      readonly without: readonly (readonly [fn: string, fragment: string, replacement: string])[]
    }
)

/** The functions that a protection is made of, beside a trigger's own; schema-qualified. */
export function functionsOf(protection: Protection): string[] {
  const decides = protection.kind === 'decision' ? protection.without.map(([fn]) => fn) : []
  return [...new Set([...decides, ...(protection.uses ?? [])])]
}
