import assert from 'node:assert/strict'
import type pg from 'pg'
import type { TestDatabase } from './database.ts'

/** In whose name a statement runs; null is the tables' owner. */
export type Caller = { readonly role: string; readonly userId?: string } | null

export const ANON = { role: 'anon' } as const
export const SERVICE = { role: 'service_role' } as const
export const signedIn = (userId: string) => ({ role: 'authenticated', userId }) as const

/** Runs one statement as PostgREST does, a transaction of its own with role and claims, and gives its rows. */
export async function rowsAs<T extends pg.QueryResultRow>(
  client: pg.Client,
  caller: Caller,
  sql: string,
  parameters: readonly unknown[] = [],
): Promise<T[]> {
  await client.query('begin')
  try {
    if (caller !== null) {
      const claims = JSON.stringify({ role: caller.role, sub: caller.userId })
      await client.query(`select set_config('role', $1, true), set_config('request.jwt.claims', $2, true)`, [
        caller.role,
        claims,
      ])
    }
    const { rows } = await client.query<T>(sql, [...parameters])
    await client.query('commit')
    return rows
  } catch (error) {
    await client.query('rollback')
    throw error
  }
}

/** As {@link rowsAs}, the first column of the first row. */
export async function valueAs<T>(
  client: pg.Client,
  caller: Caller,
  sql: string,
  parameters: readonly unknown[] = [],
): Promise<T> {
  return Object.values((await rowsAs(client, caller, sql, parameters))[0] ?? {})[0] as T
}

/** The SQLSTATE with which a statement is refused, and the protection that it names; 'written' where it is not. */
export async function refusalOf(work: Promise<unknown>): Promise<{ code: string; by?: string }> {
  try {
    await work
    return { code: 'written' }
  } catch (error) {
    const { code, constraint } = error as { code?: string; constraint?: string }
    if (code === undefined) throw error
    return constraint === undefined ? { code } : { code, by: constraint }
  }
}

/** Every law holds. */
export async function assertLawful(db: TestDatabase): Promise<void> {
  assert.deepEqual(await db.rows('select law, witnesses from ticketing.broken_laws()'), [])
}
