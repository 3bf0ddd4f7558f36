import { z } from 'zod'
import type { Machine } from './machine.ts'
import type { Figure, Missing, Question } from './question.ts'
import { ratiosOf, type Spread, spreadOf } from './spread.ts'

/** What one window of one contestant came to. */
export interface Sample {
  readonly perSecond: number
  readonly p50Ms: number | undefined
  readonly p99Ms: number | undefined
  readonly maxMs: number | undefined
  readonly residentMiB: number | undefined
  readonly cpuMs: number
  /** CPU time of each in a second, on average. */
  readonly cores: {
    readonly load: number | undefined
    readonly server: number | undefined
    readonly postgres: number | undefined
  }
}

const spread = z.object({ min: z.number(), median: z.number(), max: z.number() })
const rounds = z.array(z.number().nullable())

const rate = spread.extend({
  label: z.string(),
  rounds,
  p50Ms: z.number().nullable(),
  p99Ms: z.number().nullable(),
  maxMs: z.number().nullable().default(null),
  residentMiB: z.number().nullable().default(null),
  cpuMs: z.number().nullable(),
  cores: z.object({
    load: z.number().nullable(),
    server: z.number().nullable(),
    postgres: z.number().nullable(),
  }),
})

const ratio = spread.extend({
  label: z.string(),
  rounds,
  target: z.object({ atLeast: z.number().optional(), atMost: z.number().optional() }).optional(),
})

/** What `--json` prints and `--compare` reads. Latency, memory, CPU and cores are medians over the rounds, `maxMs` is the most. */
export const result = z.object({
  question: z.string(),
  version: z.string(),
  rounds: z.number(),
  seconds: z.number(),
  machine: z.custom<Machine>((value) => typeof value === 'object' && value !== null),
  rates: z.record(z.string(), rate),
  ratios: z.record(z.string(), ratio),
  missing: z.array(z.object({ contestants: z.array(z.string()), why: z.string() })),
})

export type Result = z.infer<typeof result>
export type RateResult = z.infer<typeof rate>
export type RatioResult = z.infer<typeof ratio>

interface Measured {
  readonly version: string
  readonly rounds: number
  readonly seconds: number
  readonly machine: Machine
  readonly rates: readonly {
    readonly name: string
    readonly label: string
    readonly samples: readonly Sample[]
  }[]
  readonly missing: readonly Missing[]
}

export function resultOf(question: Question, measured: Measured): Result {
  const { version, rounds, seconds, machine, rates } = measured
  const samples = new Map(rates.map((one) => [one.name, one.samples]))
  const figures = (name: string, by: Figure) => (samples.get(name) ?? []).map((sample) => sample[by])
  const ratios = question.ratios.flatMap(({ name, label, of: [over, under], by = 'perSecond', target }) => {
    const each = ratiosOf(figures(over, by), figures(under, by))
    const all = spreadOf(each.filter((one) => one !== null))
    return all === undefined
      ? []
      : [[name, rounded({ ...all, label, rounds: each, ...(target && { target }) })]]
  })
  return {
    question: question.name,
    version,
    rounds,
    seconds,
    machine,
    rates: Object.fromEntries(rates.map(({ name, label, samples: all }) => [name, rateOf(label, all)])),
    ratios: Object.fromEntries(ratios),
    missing: measured.missing.map(({ contestants, why }) => ({ contestants: [...contestants], why })),
  }
}

const NOTHING: Spread = { min: 0, median: 0, max: 0 }

function rateOf(label: string, samples: readonly Sample[]): RateResult {
  const median = (values: readonly (number | undefined)[]) =>
    spreadOf(values.filter((value) => value !== undefined))?.median ?? null
  const each = samples.map(({ perSecond }) => perSecond)
  return rounded({
    ...(spreadOf(each) ?? NOTHING),
    label,
    rounds: each,
    p50Ms: median(samples.map(({ p50Ms }) => p50Ms)),
    p99Ms: median(samples.map(({ p99Ms }) => p99Ms)),
    maxMs: spreadOf(samples.flatMap(({ maxMs }) => maxMs ?? []))?.max ?? null,
    residentMiB: median(samples.map((one) => one.residentMiB)),
    cpuMs: median(samples.map(({ cpuMs }) => cpuMs)),
    cores: {
      load: median(samples.map(({ cores }) => cores.load)),
      server: median(samples.map(({ cores }) => cores.server)),
      postgres: median(samples.map(({ cores }) => cores.postgres)),
    },
  })
}

/** To four digits that mean something. */
function rounded<T>(value: T): T {
  const text = JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'number' && !Number.isInteger(part)
      ? Number(part.toPrecision(Math.abs(part) < 1000 ? 4 : 6))
      : part,
  )
  return JSON.parse(text) as T
}
