import type { Client } from 'pg'

export interface BrokenLaw {
  readonly law: string
  /** Rows of its view: each is a broken promise. */
  readonly rows: readonly unknown[]
}

/**
 * Prepared statement: asks every law at once, and is planned once. ticketing.broken_laws() plans each law at each call, which
 * takes longer than the steps of an order.
 */
export async function prepareLaws(client: Client): Promise<() => Promise<readonly BrokenLaw[]>> {
  const { rows } = await client.query<{ law: string }>('select law from ticketing.laws order by position')
  const text = rows
    .map(({ law }) => `select '${law}' as law, to_jsonb(w) as row from ticketing.law_${law} w`)
    .join(' union all ')
  return async () => {
    const broken = await client.query<{ law: string; row: unknown }>({ name: 'laws', text })
    return [...Map.groupBy(broken.rows, ({ law }) => law)].map(([law, found]) => ({
      law,
      rows: found.map(({ row }) => row),
    }))
  }
}
