import type { Client } from 'pg'
import type { RunDatabase } from '../run-databases.ts'

export interface Sample {
  readonly ms: number
  readonly taken: number
}

const SAMPLE_EVERY_MS = 50

/**
 * How many places of a tier are sold or held while `work` goes on, watched on a connection of its own; the first sample
 * is taken before it, the last one after it.
 */
export async function sampleStock<T>(
  database: RunDatabase,
  tierId: string,
  work: () => Promise<T>,
): Promise<readonly [T, readonly Sample[]]> {
  const [client] = await database.connect(1)
  if (client === undefined) throw new Error('no connection')
  const done = new AbortController()
  const samples = watch(client, tierId, done.signal)
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

async function watch(client: Client, tierId: string, done: AbortSignal): Promise<readonly Sample[]> {
  const startedAt = performance.now()
  const samples = [await take(client, tierId, startedAt)]
  while (!done.aborted) {
    await new Promise((resolve) => setTimeout(resolve, SAMPLE_EVERY_MS))
    samples.push(await take(client, tierId, startedAt))
  }
  return samples
}

async function take(client: Client, tierId: string, startedAt: number): Promise<Sample> {
  const { rows } = await client.query<{ taken: number }>(
    'select sold_quantity + reserved_quantity as taken from ticket_tiers where id = $1',
    [tierId],
  )
  return { ms: Math.round(performance.now() - startedAt), taken: rows[0]?.taken ?? 0 }
}

/** Run-length thinning: keeps the first sample, the last, and both sides of every change. */
function changesOf(samples: readonly Sample[]): readonly Sample[] {
  return samples.filter(
    (sample, index) =>
      sample.taken !== samples[index - 1]?.taken || sample.taken !== samples[index + 1]?.taken,
  )
}
