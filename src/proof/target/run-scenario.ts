import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { type Check, type Latency, type ScenarioResult, worst } from '../results.ts'
import { type TrueState, truth as truthShape } from './answers.ts'
import { baseUrlOf, finalOf, type Shopper, shopper, wasSold } from './buyers.ts'
import { type Caller, callAdapter } from './call.ts'
import { reasonOf, TargetError } from './failure.ts'
import { openCookies } from './http.ts'
import type { InvariantWatch } from './invariants.ts'
import { unitsOf } from './judge.ts'
import { type Judged, judged } from './promises.ts'
import type { Observation, TargetScenario, World } from './scenarios/scenario.ts'
import { callMs, settleMs, type Target } from './target.ts'

/** A scenario's result, and what it says of the promises. */
export interface ScenarioRun {
  readonly result: ScenarioResult
  readonly judged: Judged
  /** What could not be cleaned up. */
  readonly leftBehind: readonly string[]
}

/** One scenario, with its clean-up. What the adapter or the system breaks ends it as INCONCLUSIVE. */
export async function runScenario(
  run: Target,
  scenario: TargetScenario,
  watch: InvariantWatch | undefined,
  report: (text: string) => void,
): Promise<ScenarioRun> {
  const seconds = run.profile.scenarioSecondsMax
  const late = AbortSignal.timeout(seconds * 1000)
  const target = {
    ...run,
    signal: AbortSignal.any([run.signal, late]),
    patienceEndsAt: performance.now() + seconds * 1000 * PATIENCE,
    faults: [],
  }
  const world = openWorld(target, scenario.name, report)
  const load = measureLoad(target)
  let seen: Observation | undefined
  let failure: string | undefined
  try {
    seen = await scenario.work(target, world)
    await watch?.look(scenario.name)
  } catch (error) {
    run.signal.throwIfAborted()
    failure = late.aborted ? `it did not end within ${seconds} s` : reasonOf(error)
  } finally {
    await world.close()
  }
  const measured = load.end()
  const { leftBehind } = world
  const all = judged(...(seen === undefined ? [] : [seen.judged]))
  return { result: resultOf(target, scenario, seen, all, failure, measured), judged: all, leftBehind }
}

interface ClosableWorld extends World {
  readonly leftBehind: readonly string[]
  close(): Promise<void>
}

/** Of a scenario's time: the rest is for what is under way then, and for the rows. */
const PATIENCE = 0.5
const CLEANUP_MS_MAX = 60_000

/** What a scenario of this name makes; removed at its end, also where that is early. */
export function openWorld(target: Target, label: string, report: (text: string) => void): ClosableWorld {
  const items: { readonly item: unknown; readonly name: string }[] = []
  const leftBehind: string[] = []
  const staff: Caller = { cookies: openCookies(), baseUrl: baseUrlOf(target, 0) }
  return {
    leftBehind,
    report,
    shopper: (index) => shopper(target, label, index),
    prepare: async (units) => {
      const name = `admit-once-${target.runId}-${label}-${items.length + 1}`
      const { value } = await callAdapter(target, 'prepare', staff, { units, name })
      items.push({ item: value, name })
      return value
    },
    truth: (item) => readTruth(target, staff, item),
    close: async () => {
      if (target.adapter.cleanup === undefined) return
      const signal = AbortSignal.timeout(Math.min(CLEANUP_MS_MAX, callMs(target)))
      for (const { item, name } of items)
        await callAdapter(target, 'cleanup', staff, { item }, signal).catch((error: unknown) => {
          leftBehind.push(`${name}: ${reasonOf(error)}`)
        })
    },
  }
}

async function readTruth(target: Target, staff: Caller, item: unknown): Promise<TrueState> {
  await delay(settleMs(target), undefined, { signal: target.signal })
  const { value } = await callAdapter(target, 'truth', staff, { item })
  const parsed = truthShape.safeParse(value)
  if (parsed.success) return demandUnique(parsed.data)
  const faults = parsed.error.issues
    .slice(0, 3)
    .map(({ path, message }) => `${path.join('.') || 'value'}: ${message}`)
  throw new TargetError(
    'ADAPTER_ANSWER',
    `\`truth\` must give { orders, payments?, left? }, and in what it gave ${faults.join('; ')}.`,
  )
}

/** An order is known by its id. */
function demandUnique(truth: TrueState): TrueState {
  const [twice] = [...Map.groupBy(truth.orders, ({ id }) => id)].find(([, rows]) => rows.length > 1) ?? []
  if (twice === undefined) return truth
  throw new TargetError(
    'ADAPTER_ANSWER',
    `\`truth\` gives the order ${twice} more than once: \`id\` is one order's own.`,
  )
}

interface Load {
  readonly startedAt: number
  readonly durationMs: number
  readonly requests: number
  readonly delayP99Ms: number
}

/** The generator's own health: an event loop that lags makes no crowd. */
function measureLoad({ traffic }: Target): { end(): Load } {
  const loop = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  loop.enable()
  const startedAt = performance.now()
  const before = traffic.requests
  return {
    end: () => {
      loop.disable()
      return {
        startedAt,
        durationMs: performance.now() - startedAt,
        requests: traffic.requests - before,
        delayP99Ms: Math.max(0, loop.percentile(99) / 1e6 - RESOLUTION_MS),
      }
    },
  }
}

const RESOLUTION_MS = 10
const EVENT_LOOP_DELAY_MS_MAX = 500

function resultOf(
  target: Target,
  scenario: TargetScenario,
  seen: Observation | undefined,
  { judgements }: Judged,
  failure: string | undefined,
  load: Load,
): ScenarioResult {
  const { name, story, shows } = scenario
  const reproduce = target.reproduce(name)
  const shoppers = seen?.shoppers ?? []
  const checks = [
    ...judgements,
    ...validity(
      target,
      seen,
      failure,
      load,
      judgements.some(({ verdict }) => verdict === 'FAIL'),
    ),
  ].map((check): Check => (check.verdict === 'PASS' ? check : { reproduce, ...check }))
  return {
    name,
    story,
    guarantees: [...shows],
    engine: 'Node',
    engineVersion: process.version,
    file: target.file,
    command: reproduce,
    verdict: worst(checks.map(({ verdict }) => verdict)),
    durationMs: load.durationMs,
    requests: load.requests,
    perSecond: load.requests / (load.durationMs / 1000),
    latencyMs: latencyOf(shoppers.map(({ ms }) => ms).filter((ms) => ms > 0)),
    outcomes: outcomesOf(shoppers),
    mustHaveHappened: [...(seen?.happened ?? [])],
    thresholds: [],
    stock: seen === undefined ? null : { total: seen.units, taken: takenOver(seen, load) },
    checks,
  }
}

/** What must be so for the rest to mean anything. */
function validity(
  target: Target,
  seen: Observation | undefined,
  failure: string | undefined,
  load: Load,
  isBroken: boolean,
): Check[] {
  const broken = (isWell: boolean): Check['verdict'] => (isWell ? 'PASS' : 'INCONCLUSIVE')
  if (seen === undefined)
    return [{ name: 'it ran to its end', verdict: 'INCONCLUSIVE', detail: failure ?? 'nobody knows why' }]
  const unknown = seen.shoppers.filter((who) => finalOf(who)?.outcome === 'unknown')
  const { faults } = target
  return [
    ...(failure === undefined
      ? []
      : [{ name: 'it ran to its end', verdict: 'INCONCLUSIVE', detail: failure } as const]),
    {
      name: 'every buyer got an answer that can be read',
      verdict: broken(unknown.length === 0 && faults.length === 0),
      detail:
        faults[0] ??
        `${seen.shoppers.length - unknown.length} of ${seen.shoppers.length}${unknown.length === 0 ? '' : `, last ${finalOf(unknown[0] as Shopper)?.answer}`}`,
    },
    {
      name: 'the load generator kept up',
      verdict: broken(load.delayP99Ms <= EVENT_LOOP_DELAY_MS_MAX),
      detail: `event-loop delay p99 ${load.delayP99Ms.toFixed(0)} ms`,
    },
    // Whoever sold too much told nobody that it is sold out: the fault says all.
    ...(isBroken ? [] : seen.happened).map(
      ({ what, times }): Check => ({
        name: `it happened: ${what}`,
        verdict: broken(times > 0),
        detail: times > 0 ? `${times} times` : `0 times: buyers were told ${saidTo(seen.shoppers)}`,
      }),
    ),
  ]
}

/** What a buyer who waits for another answer needs to see. */
function saidTo(shoppers: readonly Shopper[]): string {
  const said = Object.entries(outcomesOf(shoppers)).sort(([, one], [, other]) => other - one)
  return said.map(([answer, times]) => `${times} × ${answer}`).join(', ') || 'nothing'
}

/** Each buyer once, by the last answer; the report paints what begins with `success` or `unexpected`. */
function outcomesOf(shoppers: readonly Shopper[]): Record<string, number> {
  const words = {
    sold: 'success',
    open: 'open cart',
    soldOut: 'sold out',
    busy: 'busy',
    refused: 'refused',
    unknown: 'unexpected',
  }
  const keys = shoppers.flatMap((who) => {
    const last = finalOf(who)
    if (wasSold(who)) return ['success']
    return last === undefined ? [] : [`${words[last.outcome]}${last.answer === '' ? '' : `: ${last.answer}`}`]
  })
  return Object.fromEntries([...Map.groupBy(keys, (key) => key)].map(([key, those]) => [key, those.length]))
}

/** What buyers were told, as it came, and what the rows say in the end. */
function takenOver({ shoppers, truth }: Observation, { startedAt, durationMs }: Load) {
  const sales = shoppers
    .flatMap(({ answers }) => answers.find(({ outcome }) => outcome === 'sold')?.at ?? [])
    .sort((one, other) => one - other)
  return [
    { ms: 0, taken: 0 },
    ...sales.map((at, before) => ({ ms: Math.round(at - startedAt), taken: before + 1 })),
    { ms: Math.round(durationMs), taken: unitsOf(truth.orders) },
  ]
}

/** Milliseconds, nearest rank. */
function latencyOf(all: readonly number[]): Latency | null {
  if (all.length === 0) return null
  const sorted = all.toSorted((one, other) => one - other)
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
  const count = sorted.length
  return {
    p50: at(0.5),
    p90: at(0.9),
    p95: at(0.95),
    p99: at(0.99),
    p999: count < 1000 ? null : at(0.999),
    max: at(1),
    count,
  }
}
