import { setTimeout as pause } from 'node:timers/promises'
import type { Client } from 'pg'
import { connectOne, type RunDatabase } from '../run-databases.ts'

export interface Sample {
  readonly ms: number
  /** Sold or held. */
  readonly taken: number
  readonly sold: number
}

/** One counter of one query, with when that began and ended, by performance.now(). */
export interface Reading {
  readonly of: Watched
  readonly taken: number
  readonly call: number
  readonly returned: number
}

type Watched = { readonly tier: string } | { readonly offer: string } | { readonly slot: string }

/** A tier, and where there is one the business whose offers and slots are read beside it. */
interface Place {
  readonly tierId: string
  readonly businessId?: string
}

const SAMPLE_EVERY_MS = 50

/**
 * How many places of a tier are sold or held while `work` goes on, watched on a connection of its own; the first sample
 * is taken before it, the last one after it. `seen` is told of each.
 */
export async function sampleStock<T>(
  database: RunDatabase,
  place: Place,
  work: () => Promise<T>,
  seen: Seen = () => {},
): Promise<readonly [T, readonly Sample[]]> {
  const client = await connectOne(database)
  const done = new AbortController()
  const samples = watch(client, place, done.signal, seen)
  // Its error is thrown where it is awaited, below.
  samples.catch(() => undefined)
  try {
    return [await work(), await finish(samples, done)]
  } finally {
    await finish(samples, done).catch(() => undefined)
    await client.end()
  }
}

async function finish(
  samples: Promise<readonly Sample[]>,
  done: AbortController,
): Promise<readonly Sample[]> {
  done.abort()
  return changesOf(await samples)
}

type Seen = (reading: Reading) => void

async function watch(
  client: Client,
  place: Place,
  done: AbortSignal,
  seen: Seen,
): Promise<readonly Sample[]> {
  const startedAt = performance.now()
  const samples = [await take(client, place, startedAt, seen)]
  while (!done.aborted) {
    // The last sample is taken when the work is done, not up to a pause later.
    await pause(SAMPLE_EVERY_MS, undefined, { signal: done }).catch(() => undefined)
    samples.push(await take(client, place, startedAt, seen))
  }
  return samples
}

async function take(client: Client, place: Place, startedAt: number, seen: Seen): Promise<Sample> {
  const call = performance.now()
  const { rows } = await client.query<Counter>(COUNTERS, [place.tierId, place.businessId])
  const returned = performance.now()
  for (const { kind, id, taken } of rows) seen({ of: watchedOf(kind, id), taken, call, returned })
  const { taken, sold } = rows.find(({ kind }) => kind === 'tier') ?? { taken: 0, sold: 0 }
  return { ms: Math.round(returned - startedAt), taken, sold }
}

interface Counter extends Omit<Sample, 'ms'> {
  readonly kind: 'tier' | 'offer' | 'slot'
  /** Of a slot with its evening, as the history names it. */
  readonly id: string
}

function watchedOf(kind: Counter['kind'], id: string): Watched {
  switch (kind) {
    case 'tier':
      return { tier: id }
    case 'offer':
      return { offer: id }
    case 'slot':
      return { slot: id }
  }
}

/** One snapshot of all. A slot has a counter from its first booking of an evening on. */
const COUNTERS = `select 'tier' as kind, t.id::text, t.sold_quantity + t.reserved_quantity as taken, t.sold_quantity as sold
    from ticket_tiers t where t.id = $1
  union all select 'offer', d.id::text, d.claimed_people, d.claimed_people from discounts d where d.business_id = $2
  union all select 'slot', concat(d.slot_id, ' ', d.date), d.booked_people, d.booked_people
    from ticketing.slot_days d where d.business_id = $2`

/** Run-length thinning: keeps the first sample, the last, and both sides of every change; of too many, the highest of each few. */
function changesOf(samples: readonly Sample[]): readonly Sample[] {
  const isSame = (one: Sample, other: Sample | undefined) =>
    one.taken === other?.taken && one.sold === other.sold
  const changes = samples.filter(
    (sample, at) => !isSame(sample, samples[at - 1]) || !isSame(sample, samples[at + 1]),
  )
  const few = Math.ceil(changes.length / SAMPLES_MAX)
  if (few <= 1) return changes
  const groups = Array.from({ length: Math.ceil(changes.length / few) }, (_, at) =>
    changes.slice(at * few, (at + 1) * few),
  )
  return [...groups.flatMap(highestOf), ...changes.slice(-1)]
}

const SAMPLES_MAX = 200

function highestOf(samples: readonly Sample[]): readonly Sample[] {
  return samples.toSorted((a, b) => b.taken - a.taken).slice(0, 1)
}
