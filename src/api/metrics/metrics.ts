import { collectDefaultMetrics, Registry } from 'prom-client'
import { ERROR_RATES, type ErrorKind, errorKindOf } from '../../core/error-rates.ts'
import type { PoolFigures } from '../../db/pool.ts'
import type { GatherFigures } from '../../desk/gather.ts'
import { VERBS } from '../../desk/verbs.ts'
import type { JobCounter } from '../../jobs/jobs.ts'
import type { LaneFigures } from '../admission.ts'
import type { Answered, Task } from '../front.ts'
import type { FigureValues } from '../siblings.ts'
import { setFigures, setNone } from './figures.ts'
import { type Instruments, instrumentsIn } from './instruments.ts'
import { codeOf, kindOf } from './outcome.ts'
import type { FiguresReader } from './reader.ts'

/** What is read when somebody looks. */
export interface Sources {
  lanes(): readonly LaneFigures[]
  readonly pools: ReadonlyMap<string, () => PoolFigures>
  /** By verb. */
  readonly gathered: ReadonlyMap<string, () => GatherFigures>
  readonly figures: FiguresReader
  /** Of subscribers. */
  sockets(): number
}

/** Metrics for Prometheus. */
export interface Metrics {
  request(answered: Answered): void
  readonly jobs: JobCounter
  /** The text that Prometheus reads: one reading at a time, whoever asks meanwhile gets the same. */
  read(sources: Sources): Promise<string>
  /** The same as values that are added to those of other processes. */
  values(sources: Sources, withDatabase: boolean): Promise<FigureValues>
  readonly contentType: string
}

export function openMetrics(): Metrics {
  const registry = new Registry()
  const instruments = instrumentsIn(registry)
  const routeOf = openRoutes()
  const codeLabel = openBound(CODES_MAX)
  const countSqlErrors = openSqlErrors(instruments)
  let reading: Promise<string> | undefined
  let hasProcess = false
  const set = async (sources: Sources, withDatabase = true) => {
    // Observers of the event loop and the collector: only where somebody looks.
    if (!hasProcess) collectDefaultMetrics({ register: registry })
    hasProcess = true
    setLanes(instruments, sources.lanes())
    setPools(instruments, sources.pools)
    setGathered(instruments, sources.gathered)
    instruments.sockets.set(sources.sockets())
    countSqlErrors(sources.pools)
    const figures = withDatabase ? await sources.figures() : undefined
    if (figures === undefined) setNone(instruments)
    else setFigures(instruments, figures)
  }
  return {
    contentType: registry.contentType,
    request: ({ path, method, reply, ms }) => {
      const route = routeOf(path, reply.status)
      const code = codeOf(reply)
      const label = codeLabel(code)
      instruments.requests.inc({
        route,
        method: METHODS.has(method) ? method : OTHER,
        status: reply.status,
        code: label,
      })
      if (ms !== undefined) instruments.seconds.observe({ route }, ms / 1000)
      const kind = kindOf(reply, code)
      if (kind !== undefined) instruments.errors.inc({ kind })
    },
    jobs: {
      round: (name, outcome) => {
        instruments.jobRounds.inc({ name, outcome })
        if (outcome === 'success') instruments.jobSucceeded.setToCurrentTime({ name })
      },
    },
    read: (sources) => {
      reading ??= set(sources)
        .then(() => registry.metrics())
        .finally(() => {
          reading = undefined
        })
      return reading
    },
    values: async (sources, withDatabase) => {
      await set(sources, withDatabase)
      return registry.getMetricsAsJSON()
    },
  }
}

const OTHER = 'other'
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/** Cardinality: callers and functions of the operator's own may write what they like. */
const CODES_MAX = 500
const ROUTES_MAX = 1_000
const CODE = /^\w{0,63}$/

/** Lets the first so many values through, each for good, and calls the rest `other`. */
function openBound(max: number): (value: string) => string {
  const known = new Set<string>()
  return (value) => {
    if (known.has(value)) return value
    if (known.size >= max || !CODE.test(value)) return OTHER
    known.add(value)
    return value
  }
}

/**
 * The route template. One that has a caller's name in it counts under that name once it was seen to succeed: until then nobody
 * knows whether there is such a function, and its refusals count together.
 */
function openRoutes(): (path: Task['path'], status: number) => string {
  const known = new Set([...VERBS.keys()].map((name) => `/rest/v1/rpc/${name}`))
  return (path, status) => {
    if (typeof path === 'string') return path
    const route = path(status)
    if (known.has(route)) return route
    if (status < 300 && known.size < ROUTES_MAX) {
      known.add(route)
      return route
    }
    return path(NOT_FOUND)
  }
}

const NOT_FOUND = 404

function setLanes(
  { places, placesTaken, arriving, evicted }: Instruments,
  lanes: readonly LaneFigures[],
): void {
  evicted.reset()
  for (const { lane, ...figures } of lanes) {
    places.set({ lane }, figures.places)
    placesTaken.set({ lane }, figures.taken)
    arriving.set({ lane }, figures.arriving)
    evicted.inc({ lane }, figures.evicted)
  }
}

/** Two lanes may share a pool: it is counted once. */
function setPools(instruments: Instruments, pools: Sources['pools']): void {
  instruments.poolCalls.reset()
  instruments.poolErrors.reset()
  for (const [pool, read] of pools) {
    const { max, size, idle, waiting, calls, errors } = read()
    instruments.poolMax.set({ pool }, max)
    instruments.poolSize.set({ pool }, size)
    instruments.poolIdle.set({ pool }, idle)
    instruments.poolWaiting.set({ pool }, waiting)
    instruments.poolCalls.inc({ pool }, calls)
    for (const [code, times] of errors) instruments.poolErrors.inc({ code }, times)
  }
}

function setGathered({ batches, gathered }: Instruments, verbs: Sources['gathered']): void {
  batches.reset()
  gathered.reset()
  for (const [verb, figures] of verbs) {
    batches.inc({ verb }, figures().batches)
    gathered.inc({ verb }, figures().requests)
  }
}

/** What the pools counted since they were last asked; a call that the server tried again counts too. */
function openSqlErrors({ errors }: Instruments): (pools: Sources['pools']) => void {
  const counted = new Map<ErrorKind, number>()
  return (pools) => {
    const raised = [...pools.values()].flatMap((read) => [...read().errors])
    for (const { kind } of ERROR_RATES) {
      const times = raised.reduce((sum, [code, n]) => (errorKindOf(code) === kind ? sum + n : sum), 0)
      errors.inc({ kind }, times - (counted.get(kind) ?? 0))
      counted.set(kind, times)
    }
  }
}
