import type { Database } from '../../db/pool.ts'
import { SERVICE } from '../../desk/callers.ts'
import { type OperatingFigures, operatingFigures } from '../../desk/figures.ts'
import { countProtections, type ProtectionCount } from '../../desk/protections.ts'

export interface Figures extends OperatingFigures {
  readonly protections: ProtectionCount
}

/** Undefined where the database gave none in time. */
export type FiguresReader = () => Promise<Figures | undefined>

/** A scrape waits no longer for the database: Prometheus gives up after ten seconds. */
const READ_MS_MAX = 2_000
/** Two who scrape ask the database once. */
const KEEP_MS = 5_000
const EVENTS = 20

/** Reads the figures, one question at a time, and keeps them for a moment. A question that hangs is waited for by each scrape anew. */
export function figuresReader(
  database: Database,
  nowMs: () => number = () => performance.now(),
): FiguresReader {
  let asked: Promise<Figures | undefined> | undefined
  let kept: { readonly figures: Figures; readonly untilMs: number } | undefined
  const ask = async () => {
    try {
      const figures = await askFigures(database)
      kept = { figures, untilMs: nowMs() + KEEP_MS }
      return figures
    } catch {
      // What is wrong with the database the watch says; a scrape shows that nothing came.
      return undefined
    } finally {
      asked = undefined
    }
  }
  return async () => {
    if (kept !== undefined && nowMs() < kept.untilMs) return kept.figures
    asked ??= ask()
    return inTime(asked)
  }
}

async function askFigures(database: Database): Promise<Figures> {
  const figures = await operatingFigures(database, SERVICE, { events: EVENTS })
  return { ...figures, protections: await countProtections(database, SERVICE) }
}

async function inTime<Value>(answer: Promise<Value>): Promise<Value | undefined> {
  const late = Promise.withResolvers<undefined>()
  const timer = setTimeout(late.resolve, READ_MS_MAX)
  try {
    return await Promise.race([answer, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
