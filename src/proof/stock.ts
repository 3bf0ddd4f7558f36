import type { WorkDatabase } from './workbench.ts'

export interface Sample {
  readonly ms: number
  readonly taken: number
}

const SAMPLE_EVERY_MS = 50

/** Watches how many places of a tier are sold or held, on a connection of its own, until it is stopped. */
export async function sampleStock(
  database: WorkDatabase,
  tierId: string,
): Promise<{ stop(): void; samples(): Promise<readonly Sample[]> }> {
  const [client] = await database.connect(1)
  const startedAt = performance.now()
  const samples: Sample[] = []
  let stopped = false
  const take = async () => {
    const { rows } = (await client?.query<{ taken: number }>(
      'select sold_quantity + reserved_quantity as taken from ticket_tiers where id = $1',
      [tierId],
    )) ?? { rows: [] }
    samples.push({ ms: Math.round(performance.now() - startedAt), taken: rows[0]?.taken ?? 0 })
  }
  const watching = (async () => {
    while (!stopped) {
      await take()
      await new Promise((resolve) => setTimeout(resolve, SAMPLE_EVERY_MS))
    }
    await take()
    await client?.end()
  })()
  return {
    stop: () => {
      stopped = true
    },
    samples: async () => {
      await watching
      return changesOf(samples)
    },
  }
}

/** Only where the line bends: the first sample, the last, and both sides of every change. */
function changesOf(samples: readonly Sample[]): Sample[] {
  return samples.filter(
    (sample, index) =>
      sample.taken !== samples[index - 1]?.taken || sample.taken !== samples[index + 1]?.taken,
  )
}
