import { AggregatorRegistry } from 'prom-client'
import type { FigureValues } from '../siblings.ts'

/** The figures of all workers as one text. */
export interface FiguresOfAll {
  /** Asks all of them, the one that is scraped for the database's part, too; who scrapes meanwhile gets the same. */
  scrape(asker: number): Promise<string>
  hear(worker: number, round: number, values: FigureValues): void
  /** It ended: what it counted stays counted, or a sum would fall. */
  ended(worker: number): void
}

/** Longer than one waits for the database, and less than Prometheus does. */
const READ_MS_MAX = 4_000

interface Round {
  readonly number: number
  readonly missing: Set<number>
  readonly done: () => void
}

export function openFiguresOfAll(
  /** Gives whom it asked. */
  ask: (round: number, withDatabase: number) => readonly number[],
): FiguresOfAll {
  const latest = new Map<number, FigureValues>()
  let ofEnded: FigureValues = []
  let current: Round | undefined
  let scraping: Promise<string> | undefined
  let rounds = 0
  const heardNow = new Set<number>()

  const read = async (asker: number) => {
    const { promise, resolve: done } = Promise.withResolvers<void>()
    heardNow.clear()
    rounds++
    current = { number: rounds, missing: new Set(ask(rounds, asker)), done }
    const late = setTimeout(done, READ_MS_MAX)
    if (current.missing.size > 0) await promise
    clearTimeout(late)
    current = undefined
    // Who hangs has the counts that it had.
    const values = [...latest].map(([worker, its]) => (heardNow.has(worker) ? its : countsOf(its)))
    return AggregatorRegistry.aggregate([...values, ofEnded].map((it) => [...it])).metrics()
  }
  const leave = (worker: number) => {
    if (current?.missing.delete(worker) === true && current.missing.size === 0) current.done()
  }
  return {
    scrape: (asker) => {
      scraping ??= read(asker).finally(() => {
        scraping = undefined
      })
      return scraping
    },
    hear: (worker, round, values) => {
      latest.set(worker, values)
      if (current?.number !== round) return
      heardNow.add(worker)
      leave(worker)
    },
    ended: (worker) => {
      const its = latest.get(worker)
      latest.delete(worker)
      if (its !== undefined) ofEnded = added(ofEnded, countsOf(its))
      leave(worker)
    },
  }
}

/** What only grows, and starts anew with a process. */
function countsOf(values: FigureValues): FigureValues {
  return values.filter((metric) => 'type' in metric && COUNTS.has(metric.type))
}

const COUNTS: ReadonlySet<unknown> = new Set(['counter', 'histogram'])

function added(...both: readonly FigureValues[]): FigureValues {
  const registry = AggregatorRegistry.aggregate(both.map((it) => [...it]))
  return registry.getMetricsAsArray().map((metric) => (metric as unknown as { get(): object }).get())
}
