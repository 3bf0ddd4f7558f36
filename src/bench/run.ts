import { cpuOfEnded, cpuOfTrees, postmasterOf } from './cpu.ts'
import { loadNow, type Machine, machineOf } from './machine.ts'
import {
  BenchError,
  type Contestant,
  type Experiment,
  type Question,
  type WindowOrder,
  type WindowResult,
  type World,
} from './question.ts'
import { type RateResult, type Result, resultOf, type Sample } from './result.ts'

export interface RunOptions {
  readonly version: string
  readonly rounds: number
  /** Of one window. */
  readonly seconds: number
  /** A world for one experiment, and what takes down all that was opened in it. */
  openWorld(): { readonly world: World; close(): Promise<void> }
  /** What is at work. */
  report(step: string, detail?: string): void
}

const WARM_UP_SECONDS = 1

/**
 * Runs a question: in each round every contestant has one window, in an order that turns, so that no one always runs after the
 * same other. All rows are counted before anything is answered. Throws BenchError ROWS_DO_NOT_ADD_UP.
 */
export async function runQuestion(question: Question, options: RunOptions): Promise<Result> {
  const before = loadNow()
  const samples = new Map<string, Sample[]>()
  const rates = new Map<string, RateResult['label']>()
  const isFresh = question.isFreshEachRound === true
  let machine: Omit<Machine, 'load'> | undefined
  let missing: Experiment['missing']
  for (let first = 0; first < options.rounds; first += isFresh ? 1 : options.rounds) {
    const { world, close } = options.openWorld()
    try {
      options.report('bringing up what is measured')
      const experiment = await question.open(world)
      missing = experiment.missing
      machine ??= await machineOf(world.client, world.pgbench?.version)
      const field = await openField(experiment, world)
      for (const { name, label } of experiment.contestants) rates.set(name, label)
      await warmUp(experiment, field)
      const last = isFresh ? first + 1 : options.rounds
      for (let round = first; round < last; round++)
        for (const contestant of isFresh ? experiment.contestants : turned(experiment.contestants, round)) {
          options.report(`round ${round + 1} of ${options.rounds}`, contestant.label)
          const sample = await field.measure(contestant, round, options.seconds)
          samples.set(contestant.name, [...(samples.get(contestant.name) ?? []), sample])
        }
      options.report('counting rows')
      await checkRows(experiment, field.answered)
    } finally {
      await close()
    }
  }
  if (machine === undefined) throw new Error('a run has at least one round')
  return resultOf(question, {
    ...options,
    machine: { ...machine, load: { before, after: loadNow() } },
    rates: [...rates].map(([name, label]) => ({ name, label, samples: samples.get(name) ?? [] })),
    missing: missing ?? [],
  })
}

/** Round robin: each begins once. */
function turned<T>(items: readonly T[], by: number): T[] {
  const at = by % (items.length || 1)
  return [...items.slice(at), ...items.slice(0, at)]
}

interface Field {
  /** Successes of each contestant so far, measured or not. */
  readonly answered: ReadonlyMap<string, number>
  measure(contestant: Contestant, round: number, seconds: number): Promise<Sample>
}

async function openField(experiment: Experiment, world: World): Promise<Field> {
  const { rows } = await (experiment.client ?? world.client).query<{ pid: number }>(
    'select pg_backend_pid() as pid',
  )
  const postmaster = await postmasterOf(rows[0]?.pid ?? 0)
  const answered = new Map<string, number>()
  const cpu = async () => {
    const [server, postgres] = await cpuOfTrees([experiment.serverPid?.(), postmaster])
    return { server, postgres, ended: await cpuOfEnded() }
  }
  return {
    answered,
    measure: async (contestant, round, seconds) => {
      const window: WindowOrder = { round, seconds, signal: world.signal }
      await contestant.prepare?.(window)
      world.signal.throwIfAborted()
      const [from, startedMs] = [await cpu(), performance.now()]
      const result = await contestant.run(window)
      const [to, tookSeconds] = [await cpu(), (performance.now() - startedMs) / 1000]
      world.signal.throwIfAborted()
      answered.set(contestant.name, (answered.get(contestant.name) ?? 0) + result.answered)
      const spent = (who: keyof typeof from) => difference(to[who], from[who])
      const load = result.loadCpuSeconds ?? spent('ended')
      return sampleOf(result, { load, server: spent('server'), postgres: spent('postgres') }, tookSeconds)
    },
  }
}

function difference(to: number | undefined, from: number | undefined): number | undefined {
  return to === undefined || from === undefined ? undefined : to - from
}

function sampleOf(
  { inTime, seconds, p50Ms, p99Ms, maxMs, residentMiB }: WindowResult,
  cpu: NonNullable<Sample['cores']>,
  tookSeconds: number,
): Sample {
  return {
    perSecond: inTime / seconds,
    p50Ms,
    p99Ms,
    maxMs,
    residentMiB,
    cpuMs: (1000 * ((cpu.server ?? 0) + (cpu.postgres ?? Number.NaN))) / inTime,
    cores: {
      load: cpu.load === undefined ? undefined : cpu.load / tookSeconds,
      server: cpu.server === undefined ? undefined : cpu.server / tookSeconds,
      postgres: cpu.postgres === undefined ? undefined : cpu.postgres / tookSeconds,
    },
  }
}

async function warmUp({ contestants, warmUp }: Experiment, field: Field): Promise<void> {
  await warmUp?.()
  for (const contestant of contestants)
    if (contestant.warmsUp === true) await field.measure(contestant, -1, WARM_UP_SECONDS)
}

/** Reconciliation: who was told of a success has a row, and nobody else has; the counter says the same. */
async function checkRows({ ledgers }: Experiment, answered: ReadonlyMap<string, number>): Promise<void> {
  for (const { label, of, count } of ledgers) {
    const told = of.reduce((sum, name) => sum + (answered.get(name) ?? 0), 0)
    const { rows, counter = rows } = await count()
    if (rows === told && counter === told) continue
    const message = `${label}: the rows do not add up: ${told} successes, ${rows} rows, counter ${counter}. No figure of this run counts.`
    throw new BenchError('ROWS_DO_NOT_ADD_UP', message)
  }
}
