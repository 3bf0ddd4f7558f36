import type { Client } from 'pg'
import { connectOne, type RunDatabase } from '../run-databases.ts'

export interface Sample {
  readonly ms: number
  /** Sold or held. */
  readonly taken: number
  readonly sold: number
}

/** One query, with when it began and ended, by performance.now(). */
export interface Reading {
  readonly taken: number
  readonly call: number
  readonly returned: number
}

const SAMPLE_EVERY_MS = 50

/**
 * How many places of a tier are sold or held while `work` goes on, watched on a connection of its own; the first sample
 * is taken before it, the last one after it. `seen` is told of each.
 */
export async function sampleStock<T>(
  database: RunDatabase,
  tierId: string,
  work: () => Promise<T>,
  seen: Seen = () => {},
): Promise<readonly [T, readonly Sample[]]> {
  const client = await connectOne(database)
  const done = new AbortController()
  const samples = watch(client, tierId, done.signal, seen)
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
  tierId: string,
  done: AbortSignal,
  seen: Seen,
): Promise<readonly Sample[]> {
  const startedAt = performance.now()
  const samples = [await take(client, tierId, startedAt, seen)]
  while (!done.aborted) {
    await new Promise((resolve) => setTimeout(resolve, SAMPLE_EVERY_MS))
    samples.push(await take(client, tierId, startedAt, seen))
  }
  return samples
}

async function take(client: Client, tierId: string, startedAt: number, seen: Seen): Promise<Sample> {
  const call = performance.now()
  const { rows } = await client.query<Omit<Sample, 'ms'>>(
    'select sold_quantity + reserved_quantity as taken, sold_quantity as sold from ticket_tiers where id = $1',
    [tierId],
  )
  const { taken, sold } = rows[0] ?? { taken: 0, sold: 0 }
  const returned = performance.now()
  seen({ taken, call, returned })
  return { ms: Math.round(returned - startedAt), taken, sold }
}

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
