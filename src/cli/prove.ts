import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { defineCommand } from 'citty'
import { type Config, readConfig, refuseLiveKey } from '../config.ts'
import { migrate } from '../db/migrate.ts'
import { type Engines, findEngines } from '../load/engine.ts'
import { FIXTURES } from '../proof/fixtures/fixtures.ts'
import { PROFILES, type ProfileName } from '../proof/profiles.ts'
import { reportHtml } from '../proof/report/html.ts'
import { verdictText } from '../proof/report/terminal.ts'
import { type Results, results as schema, type Verdict } from '../proof/results.ts'
import { openRun, type ProofOptions } from '../proof/run.ts'
import { openRunDatabases } from '../proof/run-databases.ts'
import { DATABASE_SCENARIOS } from '../proof/stages/database.ts'
import { CHAOS } from '../proof/stages/faults.ts'
import { SUDDEN_DEATH } from '../proof/stages/sudden-death.ts'
import { openPaymentWitness } from '../proof/stand-in.ts'
import { conclude } from '../proof/verdict.ts'
import { openAttackDatabases } from './attack-databases.ts'
import { useServer, withClient } from './database.ts'
import { CommandError } from './failure.ts'
import { variablesOf } from './fixtures.ts'
import { gateCodeVariables } from './gate-codes.ts'
import { INTERRUPTED, onInterrupt } from './interrupt.ts'
import { openMortalWorld } from './mortal-world.ts'
import { runStages } from './progress.ts'
import { jwtSecretOf, ticketKeyOf } from './secrets.ts'
import { serveFrom } from './serve-from.ts'
import { openSigner } from './signing-key.ts'
import { openChaosWorld, openStandInServer } from './stand-in-server.ts'
import { version } from './version.ts'

const EXIT: Record<Verdict, number> = { PASS: 0, FAIL: 1, INCONCLUSIVE: 2 }
const SCENARIOS = [...new Set([...Object.keys(FIXTURES), ...DATABASE_SCENARIOS, CHAOS, SUDDEN_DEATH])]

export const prove = defineCommand({
  meta: {
    name: 'prove',
    description:
      'Attack every guarantee and say PASS, FAIL or INCONCLUSIVE; exit 0, 1, 2, or 3 if it could not run',
  },
  args: {
    scenario: { type: 'positional', required: false, description: `only these: ${SCENARIOS.join(' | ')}` },
    profile: { type: 'string', default: 'quick', description: Object.keys(PROFILES).join(' | ') },
    seed: { type: 'string', description: 'repeats the choices of an earlier run' },
    results: { type: 'string', default: 'results', description: 'folder for results.json and report.html' },
    k6: { type: 'string', description: 'path of k6, or off for the built-in runner' },
    pgbench: { type: 'string', description: 'path of pgbench, or off for the built-in runner' },
  },
  run: async ({ args }) => {
    const config = readConfig()
    refuseLiveKey(config, 'a proof')
    const profile = profileOf(args.profile)
    const only = args._.map(scenarioOf)
    const seed = args.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : seedOf(args.seed)
    const engines = await enginesOf(args.k6, args.pgbench)
    const startedAt = new Date()
    const id = `${startedAt.toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-')}-${process.pid}`
    const folder = join(resolve(args.results), id)
    const toolFlags = (['k6', 'pgbench'] as const).flatMap((name) =>
      args[name] === undefined ? [] : [`--${name}`, args[name]],
    )
    const command = `npx admit-once prove ${[...only, '--profile', profile.name, '--seed', String(seed), ...toolFlags].join(' ')}`
    const stop = stopOnSignal()
    try {
      const results = await proveOn(config, folder, {
        profile,
        seed,
        only,
        engines,
        run: { id, command, version, startedAt },
        clock: () => new Date(),
        signal: stop.signal,
      })
      const report = await write(folder, results)
      const columns = process.stdout.columns ?? 80
      console.log(verdictText(results, { columns, color: isColored(config) }))
      console.log(`report   ${relative('.', report)}`)
      process.exitCode = EXIT[results.verdict]
    } catch (error) {
      if (!stop.signal.aborted) throw error
      process.exitCode = INTERRUPTED
    } finally {
      stop.dispose()
    }
  },
})

/** What the command line asks for. */
type RunRequest = Pick<ProofOptions, 'profile' | 'seed' | 'only' | 'engines' | 'run' | 'clock' | 'signal'>

/** Brings up a PostgreSQL and databases of the run's own, runs the stages, and takes everything down again. */
async function proveOn(config: Config, folder: string, request: RunRequest): Promise<Results> {
  await mkdir(folder, { recursive: true })
  const work = join(config.home, `prove-${request.run.id}`)
  const closers: (() => Promise<unknown>)[] = [() => rm(work, { recursive: true, force: true })]
  try {
    const { profile, seed } = request
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
    const mortal = `${work}-mortal`
    const options = { jwtSecret, signal: request.signal, install: migrate }
    const run = openRun({
      ...request,
      databases,
      source,
      folder,
      startServer: (url) => standIn.serve(() => serveFrom(url, jwtSecret, standIn.environment)),
      provider: openPaymentWitness(standIn),
      openChaosWorld: (database) => openChaosWorld(database, { ...request, jwtSecret }),
      ...(source === 'embedded' ? { openMortalWorld: () => openMortalWorld(mortal, options) } : {}),
      openAttackDatabases: () => openAttackDatabases({ ...request, databases, source }),
      variablesOf: async (fixture, url) => ({
        ...(await variablesOf(fixture, { jwtSecret, webhookSecret, codes }, url)),
        ...(await gateCodeVariables(fixture, codes, databases.main.client)),
      }),
    })
    return conclude(run, await runStages(run, isColored(config)))
  } finally {
    // One that fails does not keep the others up: databases that could not be dropped are dropped by the next run.
    for (const closer of closers.reverse()) await closer().catch(() => undefined)
  }
}

function isColored(config: Config): boolean {
  return config.color && process.stdout.isTTY === true
}

/** The first Ctrl-C lets the run take down what it started, within a bound; the second one ends it at once. */
function stopOnSignal(): { readonly signal: AbortSignal; dispose(): void } {
  const stop = new AbortController()
  const dispose = onInterrupt(['SIGINT', 'SIGTERM', 'SIGHUP'], () => {
    console.error('\nstopped: taking down what was started …')
    stop.abort()
    setTimeout(() => process.exit(INTERRUPTED), STOP_MS_MAX).unref()
  })
  return { signal: stop.signal, dispose }
}

const STOP_MS_MAX = 45_000

/** results.json and report.html, in the run's folder; gives the report's path. */
async function write(folder: string, results: Results): Promise<string> {
  await writeFile(join(folder, 'results.json'), `${JSON.stringify(schema.parse(results), null, 2)}\n`)
  const report = join(folder, 'report.html')
  await writeFile(report, reportHtml(results))
  return report
}

/** A tool that was named and is not there is not replaced in silence. */
async function enginesOf(k6: string | undefined, pgbench: string | undefined): Promise<Engines> {
  try {
    return await findEngines({ k6, pgbench })
  } catch (error) {
    throw new CommandError(error instanceof Error ? error.message : String(error))
  }
}

function profileOf(name: string) {
  if (Object.hasOwn(PROFILES, name)) return PROFILES[name as ProfileName]
  throw new CommandError(`There is no profile "${name}": ${Object.keys(PROFILES).join(', ')}.`)
}

function scenarioOf(name: string): string {
  if (SCENARIOS.includes(name)) return name
  throw new CommandError(`There is no scenario "${name}": ${SCENARIOS.join(', ')}.`)
}

function seedOf(text: string): number {
  const seed = Number(text)
  if (Number.isInteger(seed) && seed >= 0 && seed < 2 ** 31) return seed
  throw new CommandError('--seed must be a whole number from 0 to 2147483647.')
}
