import { asRecord, durationMs, refuseUnknown, textValues } from './input.ts'
import type { ArrivalPlan, IterationPlan, Plan, Scenario, Stage } from './scenarios.ts'
import { invalid, unsupported } from './stop.ts'

/** Reads `options.scenarios`, or the shortcut that stands for one. Fails with a `Stop` where k6 would refuse it. */
export function readScenarios(
  options: Readonly<Record<string, unknown>>,
  isFunction: (name: string) => boolean,
): readonly Scenario[] {
  const scenarios = Object.entries(asRecord(options['scenarios'] ?? shortcut(options), 'scenarios'))
  if (options['scenarios'] !== undefined)
    refuseConflict(options, ['iterations', 'duration', 'stages'], 'scenarios')
  return scenarios.map(([name, given]) =>
    readScenario(name, asRecord(given, `the scenario '${name}'`), isFunction),
  )
}

const defaultGracefulMs = 30_000
const defaultMaxDurationMs = 600_000
const minDurationMs = 1000

/** The scenario that `iterations`, `duration` or `stages` stand for; without any of them one iteration of one user. */
function shortcut(options: Readonly<Record<string, unknown>>): unknown {
  const { vus = 1, iterations, duration, stages } = options
  if (iterations !== undefined) {
    refuseConflict(options, ['stages'], 'iterations')
    return {
      default: {
        executor: 'shared-iterations',
        vus,
        iterations,
        ...(duration === undefined ? {} : { maxDuration: duration }),
      },
    }
  }
  if (duration !== undefined) {
    refuseConflict(options, ['stages'], 'duration')
    return { default: { executor: 'constant-vus', vus, duration } }
  }
  if (stages !== undefined) return { default: { executor: 'ramping-vus', startVUs: vus, stages } }
  return { default: { executor: 'per-vu-iterations' } }
}

function refuseConflict(options: object, names: readonly string[], first: string): void {
  const other = names.find((name) => Object.hasOwn(options, name))
  if (other !== undefined) throw invalid(`the options '${first}' and '${other}' cannot be used together`)
}

function readScenario(
  name: string,
  given: Readonly<Record<string, unknown>>,
  isFunction: (name: string) => boolean,
): Scenario {
  if (!/^[0-9a-zA-Z_-]+$/.test(name))
    throw invalid(`the scenario '${name}' may be named with letters, digits, _ and -`)
  const read = fields(name, given)
  const plan = readPlan(read, given)
  const exec = String(given['exec'] ?? 'default')
  if (!isFunction(exec))
    throw invalid(`the scenario '${name}' runs '${exec}', which the script does not export as a function`)
  return {
    name,
    exec,
    startTimeMs: read.duration('startTime', 0),
    gracefulStopMs: read.duration('gracefulStop', defaultGracefulMs),
    env: textValues(given['env'] ?? {}, 'env'),
    tags: textValues(given['tags'] ?? {}, 'tags'),
    plan,
  }
}

interface Fields {
  readonly where: string
  duration(key: string, fallback?: number): number
  count(key: string, fallback?: number): number
  stages(): readonly Stage[]
}

function fields(name: string, given: Readonly<Record<string, unknown>>): Fields {
  const where = `the scenario '${name}'`
  const value = <T>(key: string, fallback: T | undefined, read: (value: unknown) => T): T => {
    if (given[key] !== undefined) return read(given[key])
    if (fallback === undefined) throw invalid(`${where} needs '${key}'`)
    return fallback
  }
  return {
    where,
    duration: (key, fallback) => value(key, fallback, (given) => durationMs(given, `'${key}' of ${where}`)),
    count: (key, fallback) => value(key, fallback, (given) => count(given, `'${key}' of ${where}`)),
    stages: () => value('stages', undefined, (given) => readStages(given, where)),
  }
}

const common = ['executor', 'startTime', 'gracefulStop', 'env', 'exec', 'tags']

const ownFields: Readonly<Record<Plan['executor'], readonly string[]>> = {
  'shared-iterations': ['vus', 'iterations', 'maxDuration'],
  'per-vu-iterations': ['vus', 'iterations', 'maxDuration'],
  'constant-vus': ['vus', 'duration'],
  'ramping-vus': ['startVUs', 'stages', 'gracefulRampDown'],
  'constant-arrival-rate': ['rate', 'timeUnit', 'duration', 'preAllocatedVUs', 'maxVUs'],
  'ramping-arrival-rate': ['startRate', 'timeUnit', 'stages', 'preAllocatedVUs', 'maxVUs'],
}

function readPlan(read: Fields, given: Readonly<Record<string, unknown>>): Plan {
  const executor = given['executor']
  if (!isExecutor(executor)) {
    throw unsupported(
      `the executor '${String(executor)}' of ${read.where}`,
      `use ${Object.keys(ownFields).join(', ')}`,
    )
  }
  refuseUnknown(given, [...common, ...ownFields[executor]], `in ${read.where} the field`)
  switch (executor) {
    case 'shared-iterations':
      return { executor, ...refuseIdleUsers(readIterations(read), read.where) }
    case 'per-vu-iterations':
      return { executor, ...readIterations(read) }
    case 'constant-vus':
      return {
        executor,
        vus: atLeast(1, read.count('vus', 1), `'vus' of ${read.where}`),
        durationMs: mainDuration(read, 'duration'),
      }
    case 'ramping-vus':
      return {
        executor,
        startVUs: read.count('startVUs', 1),
        stages: read.stages(),
        gracefulRampDownMs: read.duration('gracefulRampDown', defaultGracefulMs),
      }
    case 'constant-arrival-rate': {
      const rate = atLeast(1, read.count('rate'), `'rate' of ${read.where}`)
      return { executor, rate, durationMs: mainDuration(read, 'duration'), ...readArrivals(read) }
    }
    case 'ramping-arrival-rate':
      return { executor, startRate: read.count('startRate', 0), stages: read.stages(), ...readArrivals(read) }
  }
}

function isExecutor(name: unknown): name is Plan['executor'] {
  return typeof name === 'string' && Object.hasOwn(ownFields, name)
}

function readIterations(read: Fields): IterationPlan {
  return {
    vus: atLeast(1, read.count('vus', 1), `'vus' of ${read.where}`),
    iterations: atLeast(1, read.count('iterations', 1), `'iterations' of ${read.where}`),
    maxDurationMs: mainDuration(read, 'maxDuration', defaultMaxDurationMs),
  }
}

function refuseIdleUsers(plan: IterationPlan, where: string): IterationPlan {
  if (plan.iterations >= plan.vus) return plan
  throw invalid(
    `${where} shares ${plan.iterations} iterations among ${plan.vus} users: give each at least one`,
  )
}

function readArrivals(read: Fields): ArrivalPlan {
  const preAllocatedVUs = read.count('preAllocatedVUs')
  return {
    preAllocatedVUs,
    maxVUs: atLeast(preAllocatedVUs, read.count('maxVUs', preAllocatedVUs), `'maxVUs' of ${read.where}`),
    timeUnitMs: atLeast(Number.MIN_VALUE, read.duration('timeUnit', 1000), `'timeUnit' of ${read.where}`),
  }
}

function mainDuration(read: Fields, key: string, fallback?: number): number {
  return atLeast(minDurationMs, read.duration(key, fallback), `'${key}' of ${read.where} in milliseconds`)
}

function readStages(given: unknown, where: string): readonly Stage[] {
  if (!Array.isArray(given) || given.length === 0)
    throw invalid(`'stages' of ${where} must be a list of at least one stage`)
  return given.map((entry) => {
    const stage = asRecord(entry, `a stage of ${where}`)
    refuseUnknown(stage, ['duration', 'target'], `in a stage of ${where} the field`)
    const { duration, target } = stage
    return {
      durationMs: durationMs(duration, `'duration' of a stage of ${where}`),
      target: count(target, `'target' of a stage of ${where}`),
    }
  })
}

function count(value: unknown, name: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw invalid(`${name} must be a whole number, not ${JSON.stringify(value)}`)
}

function atLeast(least: number, value: number, name: string): number {
  if (value >= least) return value
  throw invalid(`${name} must be at least ${least}, but is ${value}`)
}
