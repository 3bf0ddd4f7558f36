import { DatabaseError, sqlErrorOf } from './failures.ts'

/** What the calls of a pool came to since it was opened. */
export interface Counts {
  readonly calls: number
  /** By SQLSTATE, or by the condition that the database was in. */
  readonly errors: ReadonlyMap<string, number>
}

export interface Counter {
  call(): void
  failed(error: unknown): void
  read(): Counts
}

/** Cardinality: a function may raise any code; those beyond so many are one. */
const CODES_MAX = 200

export function openCounter(): Counter {
  const errors = new Map<string, number>()
  let calls = 0
  return {
    call: () => calls++,
    failed: (error) => {
      const code = error instanceof DatabaseError ? error.code : sqlErrorOf(error)?.code
      if (code === undefined) return
      const known = errors.has(code) || errors.size < CODES_MAX ? code : 'other'
      errors.set(known, (errors.get(known) ?? 0) + 1)
    },
    read: () => ({ calls, errors }),
  }
}
