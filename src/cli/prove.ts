import { mkdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { defineCommand } from 'citty'
import { type Config, readConfig, refuseLiveKey } from '../config.ts'
import { migrate } from '../db/migrate.ts'
import { type Engines, findEngines } from '../load/engine.ts'
import { FIXTURES } from '../proof/fixtures/fixtures.ts'
import { PROFILES, type Profile, type ProfileName, runsOf } from '../proof/profiles.ts'
import type { Results } from '../proof/results.ts'
import { type Level, openRun, type ProofOptions } from '../proof/run.ts'
import { openRunDatabases } from '../proof/run-databases.ts'
import { DATABASE_SCENARIOS } from '../proof/stages/database.ts'
import { FAULT_SCENARIOS, REPEATED } from '../proof/stages/faults.ts'
import { INTERLEAVINGS } from '../proof/stages/interleavings.ts'
import { openPaymentWitness } from '../proof/stand-in.ts'
import { conclude } from '../proof/verdict.ts'
import { openAttackDatabases } from './attack-databases.ts'
import { useServer, withClient } from './database.ts'
import { CommandError } from './failure.ts'
import { findPatroni } from './find-patroni.ts'
import { variablesOf } from './fixtures.ts'
import { gateCodeVariables } from './gate-codes.ts'
import { INTERRUPTED } from './interrupt.ts'
import { openMortals } from './mortals.ts'
import { poolerOf } from './pooler.ts'
import { runStages } from './progress.ts'
import { proveTargetOf, refuseTargetArguments, TARGET_ARGUMENTS, TARGET_SCENARIOS } from './prove-target.ts'
import { jwtSecretOf, ticketKeyOf } from './secrets.ts'
import { serveFrom } from './serve-from.ts'
import { openSigner } from './signing-key.ts'
import { openChaosWorld, openStandInServer } from './stand-in-server.ts'
import { earlierOf, isColored, publish, runIdOf, stopOnSignal } from './verdict.ts'
import { version } from './version.ts'

const SCENARIOS = [
  ...new Set([...Object.keys(FIXTURES), ...DATABASE_SCENARIOS, ...FAULT_SCENARIOS, INTERLEAVINGS]),
]

export const prove = defineCommand({
  meta: {
    name: 'prove',
    description:
      'Attack every guarantee and say PASS, FAIL or INCONCLUSIVE; exit 0, 1, 2, or 3 if it could not run',
  },
  args: {
    scenario: {
      type: 'positional',
      required: false,
      description: `only these: ${SCENARIOS.join(' | ')}; with --target ${TARGET_SCENARIOS.join(' | ')}`,
    },
    profile: { type: 'string', default: 'quick', description: Object.keys(PROFILES).join(' | ') },
    level: { type: 'string', default: '3', description: '1: one session | 2: many at the database | 3: all' },
    runs: {
      type: 'string',
      description: `of each of ${REPEATED.join(', ')}; the profile's where it is left out`,
    },
    seed: { type: 'string', description: 'repeats the choices of an earlier run' },
    results: { type: 'string', default: 'results', description: "folder of the run's folders" },
    k6: { type: 'string', description: 'path of k6, or off for the built-in runner' },
    pgbench: { type: 'string', description: 'path of pgbench, or off for the built-in runner' },
    pgbouncer: { type: 'string', description: 'path of PgBouncer, or off to leave out what needs it' },
    workers: { type: 'string', description: 'processes of each server that is attacked (WORKERS, 1)' },
    minutes: { type: 'string', description: 'how long the profile soak lasts (30)' },
    compare: { type: 'string', description: 'folder or results.json of an earlier run' },
    ...TARGET_ARGUMENTS,
  },
  run: async ({ args }) => {
    const config = readConfig(args.workers === undefined ? {} : { WORKERS: args.workers })
    refuseLiveKey(config, 'a proof')
    if (args.target !== undefined) return proveTargetOf(config, args.target, args)
    refuseTargetArguments(args)
    const only = args._.map(scenarioOf)
    const profile = withMinutes(withRuns(profileOf(args.profile), args.runs, only), args.minutes, only)
    const earlier = await earlierOf(args.compare)
    const level = levelOf(args.level, only)
    const seed = args.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : seedOf(args.seed)
    const engines = await enginesOf(args)
    const startedAt = new Date()
    const id = runIdOf(startedAt)
    const folder = join(resolve(args.results), id)
    const toolFlags = (['k6', 'pgbench', 'pgbouncer', 'workers'] as const).flatMap((name) =>
      args[name] === undefined ? [] : [`--${name}`, args[name]],
    )
    const levelFlags = level === 3 ? [] : ['--level', String(level)]
    const runsFlags = (['runs', 'minutes'] as const).flatMap((name) =>
      args[name] === undefined ? [] : [`--${name}`, args[name]],
    )
    const command = `npx admit-once prove ${[...only, ...levelFlags, '--profile', profile.name, ...runsFlags, '--seed', String(seed), ...toolFlags].join(' ')}`
    const stop = stopOnSignal()
    try {
      const results = await proveOn(config, folder, {
        profile,
        seed,
        only,
        level,
        engines,
        run: { id, command, version, startedAt },
        clock: () => new Date(),
        signal: stop.signal,
      })
      await publish(folder, results, { color: isColored(config), earlier })
    } catch (error) {
      if (!stop.signal.aborted) throw error
      process.exitCode = INTERRUPTED
    } finally {
      stop.dispose()
    }
  },
})

/** What the command line asks for. */
type RunRequest = Pick<
  ProofOptions,
  'profile' | 'seed' | 'only' | 'level' | 'engines' | 'run' | 'clock' | 'signal'
>

/** Brings up a PostgreSQL and databases of the run's own, runs the stages, and takes everything down again. */
async function proveOn(config: Config, folder: string, asked: RunRequest): Promise<Results> {
  const broken = new AbortController()
  const request = { ...asked, signal: AbortSignal.any([asked.signal, broken.signal]) }
  await mkdir(folder, { recursive: true })
  const work = join(config.home, `prove-${request.run.id}`)
  const closers: (() => Promise<unknown>)[] = [() => rm(work, { recursive: true, force: true })]
  try {
    const { profile, seed } = request
    const servers = { WORKERS: String(config.workers) }
    const first = config.databaseUrl === undefined ? 'Starting PostgreSQL' : 'Connecting to DATABASE_URL'
    console.log(`Profile ${profile.name}, seed ${seed}. ${first} …\n`)
    const server = await useServer(config, work, { ephemeral: true })
    closers.push(() => server.stop())
    const databaseUrl = await withClient(server.url, async (_, url) => url)
    request.signal.throwIfAborted()
    const databases = await openRunDatabases(databaseUrl, `${Date.now()}p${process.pid}`, migrate)
    closers.push(() => databases.close())
    const jwtSecret = await jwtSecretOf(config)
    const standIn = await openStandInServer(seed)
    closers.push(() => standIn.close())
    const { webhookSecret } = standIn
    const codes = await openSigner(await ticketKeyOf(config), databases.main.client)
    const { source } = server
    const attackDatabases = openAttackDatabases({ ...request, databases, source })
    closers.push(() => attackDatabases.close())
    const mortals = openMortals(`${work}-mortal`, {
      jwtSecret,
      servers,
      signal: request.signal,
      install: migrate,
      pooler: request.engines.pooler,
      patroni: await findPatroni(),
    })
    closers.push(() => mortals.close())
    const run = openRun({
      ...request,
      databases,
      source,
      folder,
      startServer: (url) =>
        standIn.serve(() => serveFrom(url, jwtSecret, { ...servers, ...standIn.environment })),
      provider: openPaymentWitness(standIn),
      openChaosWorld: (database) => openChaosWorld(database, { ...request, jwtSecret, servers }),
      ...(source === 'embedded' ? { mortals } : {}),
      ...poolerOf(request.engines),
      attackDatabases,
      variablesOf: async (fixture, url) => ({
        ...(await variablesOf(fixture, { jwtSecret, webhookSecret, codes }, url)),
        ...(await gateCodeVariables(fixture, codes, databases.main.client)),
      }),
    })
    const breakOff = (reason: unknown) => broken.abort(reason)
    return conclude(run, await runStages(run, { live: isColored(config), breakOff }))
  } finally {
    // One that fails does not keep the others up: databases that could not be dropped are dropped by the next run.
    for (const closer of closers.reverse()) await closer().catch(() => undefined)
  }
}

/** A tool that was named and is not there is not replaced in silence. */
async function enginesOf(tools: Parameters<typeof findEngines>[0]): Promise<Engines> {
  try {
    return await findEngines(tools)
  } catch (error) {
    throw new CommandError(error instanceof Error ? error.message : String(error))
  }
}

function profileOf(name: string) {
  if (Object.hasOwn(PROFILES, name)) return PROFILES[name as ProfileName]
  throw new CommandError(`There is no profile "${name}": ${Object.keys(PROFILES).join(', ')}.`)
}

/** Each of the faults that are repeated; a number of runs of anything else would change nothing. */
function withRuns(profile: Profile, text: string | undefined, only: readonly string[]): Profile {
  if (text === undefined) return profile
  const runs = Number(text)
  const named = only.length > 0 && only.every((name) => REPEATED.some((one) => one === name))
  if (!named) throw new CommandError(`--runs is for ${REPEATED.join(', ')}: name one of them.`)
  if (Number.isInteger(runs) && runs >= 1 && runs <= RUNS_MAX) return { ...profile, ...runsOf(runs), runs }
  throw new CommandError(`--runs must be a whole number from 1 to ${RUNS_MAX}.`)
}

const RUNS_MAX = 10_000

/** The profile soak plays its own stories, for as long as is asked. */
function withMinutes(profile: Profile, text: string | undefined, only: readonly string[]): Profile {
  const { soak, name } = profile
  if (soak !== undefined && only.length > 0)
    throw new CommandError(`The profile ${name} has stories of its own: name no scenario.`)
  if (text === undefined) return profile
  if (soak === undefined) throw new CommandError('--minutes is for --profile soak.')
  const minutes = Number(text)
  if (Number.isInteger(minutes) && minutes >= MINUTES_MIN && minutes <= MINUTES_MAX)
    return { ...profile, soak: { ...soak, minutes } }
  throw new CommandError(`--minutes must be a whole number from ${MINUTES_MIN} to ${MINUTES_MAX}.`)
}

/** The second minute and the last one are compared; a week. */
const MINUTES_MIN = 3
const MINUTES_MAX = 10_080

function scenarioOf(name: string): string {
  if (SCENARIOS.includes(name)) return name
  throw new CommandError(`There is no scenario "${name}": ${SCENARIOS.join(', ')}.`)
}

/** A scenario is of a level of its own: both together could leave everything out. */
function levelOf(text: string, only: readonly string[]): Level {
  const level = LEVELS.find((it) => String(it) === text)
  if (level === undefined) throw new CommandError('--level is 1, 2 or 3.')
  if (level < 3 && only.length > 0) throw new CommandError('Name scenarios or a --level, not both.')
  return level
}

const LEVELS = [1, 2, 3] as const satisfies readonly Level[]

function seedOf(text: string): number {
  const seed = Number(text)
  if (Number.isInteger(seed) && seed >= 0 && seed < 2 ** 31) return seed
  throw new CommandError('--seed must be a whole number from 0 to 2147483647.')
}
