import type { Client } from 'pg'
import type { RunDatabase } from '../run-databases.ts'

/** Attacks one guarantee through the verbs and past them, as the tables' owner. The seed repeats its choices. */
export type Attack = (database: RunDatabase, seed: number) => Promise<AttackResult>

export interface AttackResult {
  readonly attempts: number
  /** Answers of verbs by code, `success` among them; raw writes by SQLSTATE, behind `raw:`. */
  readonly outcomes: Readonly<Record<string, number>>
  /** Coded refusals by verbs. */
  readonly refusals: number
  /** Exceptions that came out of a verb: a verb answers, it does not raise. */
  readonly verbErrors: readonly string[]
  /** Answers that break the promise though each row is as it should be. */
  readonly contradictions: readonly unknown[]
}

export interface VerbAnswer {
  readonly success: boolean
  readonly error?: string
  readonly error_code?: string
  readonly order_id?: string
  readonly claim_id?: string
  readonly reservation_id?: string
}

/** Statement and parameters. */
export type Statement = readonly [sql: string, values: readonly unknown[]]

/** Makes the attempts of an attack and counts their answers and errors by code. */
export function countAttempts() {
  const outcomes: Record<string, number> = {}
  const verbErrors: string[] = []
  const contradictions: unknown[] = []
  let attempts = 0
  let refusals = 0
  const count = (outcome: string) => {
    attempts++
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
  }
  return {
    /** Calls a verb as `select … as answer`. */
    verb: async (client: Client, ...[sql, values]: Statement): Promise<VerbAnswer | undefined> => {
      try {
        const answer = (await client.query<{ answer: VerbAnswer }>(sql, [...values])).rows[0]?.answer
        if (answer?.success !== true) refusals++
        count(answer?.success === true ? 'success' : (answer?.error_code ?? answer?.error ?? 'no code'))
        return answer
      } catch (error) {
        verbErrors.push(String(error))
        count(`raised ${codeOf(error)}`)
        return undefined
      }
    },
    /** Writes past the verbs. */
    write: async (client: Client, ...[sql, values]: Statement): Promise<void> => {
      try {
        await client.query(sql, [...values])
        count('raw: written')
      } catch (error) {
        count(`raw: ${codeOf(error)}`)
      }
    },
    addContradiction: (answers: unknown) => {
      contradictions.push(answers)
    },
    result: (): AttackResult => ({ attempts, outcomes, refusals, verbErrors, contradictions }),
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'no code'
}
