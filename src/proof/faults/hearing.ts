import type { Client } from 'pg'
import { ask, emailOf, RETRY_MS, type Till, type Witness } from './witness.ts'
import { type Counts, pause } from './world.ts'

/** What a witness and a database say to each other. */
export interface Judgement {
  readonly acknowledged: number
  /** Orders that were acknowledged, and are not there with their ticket. */
  readonly lost: readonly string[]
  /** Keys that were told something else when they asked again. */
  readonly changed: Witness['changed']
  /** Keys that nobody learnt the outcome of. */
  readonly unresolved: readonly string[]
  /** Keys whose outcome was unknown once, and that were told in the end. */
  readonly resolved: number
  /** Second orders of a key, and orders that nobody was told of. */
  readonly surplus: readonly object[]
  readonly brokenLaws: readonly { readonly law: string; readonly witnesses: unknown }[]
}

const RESOLVE_MS_MAX = 30_000
const AT_ONCE = 20

/** Hears the witness when all is over and the database takes orders again; unknown outcomes are resolved by their keys first. */
export async function hear(
  connect: () => Promise<Client>,
  till: Till,
  witness: Witness,
  counts: Counts,
): Promise<Judgement> {
  const client = await connect()
  try {
    // Before anybody asks again: under its key a lost order would be made anew.
    const lost = await lostOf(client, witness)
    await resolve(till, witness, counts)
    await askAgain(till, witness, witness.told.keys(), counts)
    return {
      acknowledged: witness.told.size,
      lost,
      changed: witness.changed,
      unresolved: [...witness.open],
      resolved: [...witness.doubtful].filter((key) => witness.told.has(key)).length,
      surplus: await surplusOf(client, witness, till),
      brokenLaws: await brokenLaws(client),
    }
  } finally {
    await client.end()
  }
}

async function resolve(till: Till, witness: Witness, counts: Counts): Promise<void> {
  const end = performance.now() + RESOLVE_MS_MAX
  while (witness.open.size > 0 && performance.now() < end) {
    await askAgain(till, witness, witness.open, counts)
    if (witness.open.size > 0) await pause(RETRY_MS)
  }
}

/** One that is not told again what it was told first has changed. */
async function askAgain(till: Till, witness: Witness, keys: Iterable<string>, counts: Counts): Promise<void> {
  const left = [...keys]
  const work = async () => {
    for (let key = left.pop(); key !== undefined; key = left.pop()) {
      const first = witness.told.get(key)
      const second = await ask(till, witness, key, counts)
      if (first !== undefined && second === undefined) witness.changed.push({ key, first, second: null })
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
}

async function lostOf(client: Client, { told }: Witness): Promise<string[]> {
  const { rows } = await client.query<{ id: string }>(
    'select a.id from unnest($1::uuid[]) a (id) where (select count(*) from tickets t where t.order_id = a.id) <> 1',
    [[...told.values()]],
  )
  return rows.map(({ id }) => id)
}

async function surplusOf(client: Client, { told }: Witness, { eventId }: Till): Promise<object[]> {
  const { rows } = await client.query<{ id: string; email: string; times: number }>(
    `select id, customer_email as email, count(*) over (partition by customer_email)::int as times
       from orders where event_id = $1 and customer_email like $2`,
    [eventId, emailOf('%')],
  )
  const known = new Set([...told.keys()].map(emailOf))
  return rows.filter(({ email, times }) => times > 1 || !known.has(email))
}

async function brokenLaws(client: Client): Promise<Judgement['brokenLaws']> {
  const { rows } = await client.query<{ law: string; witnesses: unknown }>(
    'select law, witnesses from ticketing.broken_laws()',
  )
  return rows
}
