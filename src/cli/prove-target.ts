import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline/promises'
import type pg from 'pg'
import type { Adapter, Call } from '../adapter/index.ts'
import { type Config, childEnvironment } from '../config.ts'
import { connect } from '../db/connection.ts'
import { placeOf, reasonOf, TargetError } from '../proof/target/failure.ts'
import { isLoopback } from '../proof/target/hosts.ts'
import { loadAdapter } from '../proof/target/load-adapter.ts'
import { TARGET_PROFILES, type TargetProfile } from '../proof/target/profiles.ts'
import { proveTarget, requestsOf } from '../proof/target/prove-target.ts'
import { scenariosOf } from '../proof/target/scenarios/index.ts'
import type { TargetScenario } from '../proof/target/scenarios/scenario.ts'
import { callMs, type Target } from '../proof/target/target.ts'
import { CommandError } from './failure.ts'
import { INTERRUPTED } from './interrupt.ts'
import { openSteps } from './steps.ts'
import { earlierOf, isColored, publish, runIdOf, stopOnSignal } from './verdict.ts'
import { version } from './version.ts'

/** What `prove` takes for a system that is not ours. */
export const TARGET_ARGUMENTS = {
  target: {
    type: 'string',
    description: 'the adapter of another system, a TypeScript file: proves that one',
  },
  url: { type: 'string', description: 'with --target: base URLs instead of the adapter’s, by commas' },
  'database-url': { type: 'string', description: 'with --target: its PostgreSQL, for the adapter’s queries' },
  yes: {
    type: 'boolean',
    default: false,
    description: 'with --target: do not ask before a system elsewhere',
  },
} as const

/** What may be asked for by name: `ladder` is all of its rungs. */
export const TARGET_SCENARIOS = [
  ...new Set(scenariosOf(TARGET_PROFILES.quick).map(({ name }) => name.replace(/-\d+$/, ''))),
]

/** As citty gives them. */
export interface TargetArguments {
  readonly _: readonly string[]
  readonly profile: string
  readonly level: string
  readonly results: string
  readonly seed?: string | undefined
  readonly k6?: string | undefined
  readonly pgbench?: string | undefined
  readonly pgbouncer?: string | undefined
  readonly runs?: string | undefined
  readonly workers?: string | undefined
  readonly minutes?: string | undefined
  readonly compare?: string | undefined
  readonly url?: string | undefined
  readonly 'database-url'?: string | undefined
  readonly yes: boolean
}

export function refuseTargetArguments(args: Pick<TargetArguments, 'url' | 'database-url' | 'yes'>): void {
  if (args.url !== undefined || args['database-url'] !== undefined || args.yes)
    throw new CommandError('--url, --database-url and --yes go with --target.')
}

/** `prove --target`: attacks somebody else's system through its adapter. */
export async function proveTargetOf(config: Config, file: string, args: TargetArguments): Promise<void> {
  refuseOwnArguments(args)
  const earlier = await earlierOf(args.compare)
  const env = childEnvironment({})
  refuseLiveKeys(env)
  const profile = profileOf(args.profile)
  const scenarios = scenariosNamed(profile, args._)
  const adapter = await loadAdapter(file)
  const urls = urlsOf(adapter, args.url)
  const requestsMax = requestsOf({ adapter, profile }, scenarios)
  await askBefore({ adapter, urls, requestsMax, databaseUrl: args['database-url'], yes: args.yes })
  const startedAt = new Date()
  const id = runIdOf(startedAt)
  const command = commandOf(file, args)
  const stop = stopOnSignal()
  const strays = watchStrays(file)
  const database = await connectTo(args['database-url'], callMs({ adapter }))
  try {
    const target: Target = {
      adapter,
      file,
      urls,
      env,
      sql: database === undefined ? undefined : queryOn(database),
      profile,
      runId: `${Date.now().toString(36)}${process.pid.toString(36)}`,
      traffic: { origins: new Set(urls.map((url) => new URL(url).origin)), requestsMax, requests: 0 },
      signal: AbortSignal.any([stop.signal, strays.signal]),
      faults: [],
      reproduce: (scenario) => commandOf(file, { ...args, _: [scenario] }),
    }
    const run = { id, command, version, startedAt }
    const steps = openSteps(isColored(config))
    const results = await proveTarget({ target, scenarios, run, seed: 0, clock: () => new Date(), ...steps })
    console.log()
    const folder = join(resolve(args.results), id)
    await mkdir(folder, { recursive: true })
    await publish(folder, results, { color: isColored(config), earlier })
  } catch (error) {
    if (strays.signal.aborted) throw strays.signal.reason
    if (!stop.signal.aborted) throw error
    process.exitCode = INTERRUPTED
  } finally {
    strays.dispose()
    await database?.end()
    stop.dispose()
  }
}

/** What an adapter throws where nobody waits for it would end this process with a stack; it ends the run, and is cleaned up after. */
function watchStrays(file: string): { readonly signal: AbortSignal; dispose(): void } {
  const stop = new AbortController()
  const onStray = (error: unknown) => {
    const place = placeOf(error, file)
    const what = `${reasonOf(error)}${place === '' ? '' : ` (${place})`}`
    const message = `it threw where nobody waited for it: ${what}. Await every promise.`
    stop.abort(new TargetError('ADAPTER_FAILED', message))
  }
  const events = ['unhandledRejection', 'uncaughtException'] as const
  for (const event of events) process.on(event, onStray)
  return {
    signal: stop.signal,
    dispose: () => {
      for (const event of events) process.off(event, onStray)
    },
  }
}

/** What is of this product's own proof says nothing to another system. */
function refuseOwnArguments(args: TargetArguments): void {
  const { level, runs, workers, minutes, seed, k6, pgbench, pgbouncer } = args
  const given = Object.entries({
    level: level === '3' ? undefined : level,
    runs,
    workers,
    minutes,
    seed,
    k6,
    pgbench,
    pgbouncer,
  })
  const [first] = given.find(([, value]) => value !== undefined) ?? []
  if (first !== undefined) throw new CommandError(`--${first} does not go with --target.`)
}

/** An adapter sees the environment: with a live key in it, it could move real money. */
function refuseLiveKeys(env: Call['env']): void {
  const [name] = Object.entries(env).find(([, value]) => /^[sr]k_live_/.test(value ?? '')) ?? []
  if (name !== undefined)
    throw new CommandError(`${name} is a live key: a proof never runs with one. Use a test key or none.`)
}

function profileOf(name: string): TargetProfile {
  const known: Readonly<Record<string, TargetProfile>> = TARGET_PROFILES
  const profile = Object.hasOwn(known, name) ? known[name] : undefined
  if (profile !== undefined) return profile
  throw new CommandError(`There is no profile "${name}": ${Object.keys(known).join(', ')}.`)
}

/** `ladder` is all of its rungs. */
function scenariosNamed(profile: TargetProfile, names: readonly string[]): readonly TargetScenario[] {
  const all = scenariosOf(profile)
  const unknown = names.find((name) => !all.some((scenario) => isNamed(scenario, name)))
  if (unknown !== undefined)
    throw new CommandError(`There is no scenario "${unknown}": ${all.map(({ name }) => name).join(', ')}.`)
  return names.length === 0 ? all : all.filter((scenario) => names.some((name) => isNamed(scenario, name)))
}

function isNamed(scenario: TargetScenario, name: string): boolean {
  return scenario.name === name || scenario.name.startsWith(`${name}-`)
}

function urlsOf(adapter: Adapter, given: string | undefined): readonly string[] {
  const urls = given?.split(',') ?? adapter.urls
  return urls.map((url) => {
    if (!URL.canParse(url) || !/^https?:/.test(url)) throw new CommandError(`--url: "${url}" is no http URL.`)
    return url.trim().replace(/\/+$/, '')
  })
}

interface Plan {
  readonly adapter: Adapter
  readonly urls: readonly string[]
  readonly requestsMax: number
  readonly databaseUrl: string | undefined
  readonly yes: boolean
}

/** Says what will happen; what is not on this machine is touched only when somebody agreed. */
async function askBefore({ adapter, urls, requestsMax, databaseUrl, yes }: Plan): Promise<void> {
  const places = [...urls, ...(databaseUrl === undefined ? [] : [databaseUrl])].map(hostOf)
  const elsewhere = [...new Set(places.filter((host) => !isLoopback(host)))]
  const most = new Intl.NumberFormat('en').format(requestsMax)
  console.log(`${adapter.name} at ${urls.join(', ')}: at most ${most} requests.`)
  if (adapter.cleanup === undefined)
    console.log('The adapter has no `cleanup`: what the run makes stays there.')
  if (elsewhere.length === 0 || yes) return
  const what = `${elsewhere.join(', ')} is not this machine`
  if (process.stdin.isTTY !== true || process.stdout.isTTY !== true)
    throw new CommandError(`NOT_CONFIRMED: ${what}. --yes says that it may be loaded and filled with orders.`)
  const lines = createInterface({ input: process.stdin, output: process.stdout })
  try {
    const said = await lines.question(`${what}. May it be loaded and filled with orders? [y/N] `)
    if (!/^y(es)?$/i.test(said.trim())) throw new CommandError('NOT_CONFIRMED: nothing was sent.')
  } finally {
    lines.close()
  }
}

/** Of a URL that names no host the place is elsewhere: nobody knows where. */
function hostOf(url: string): string {
  const host = URL.canParse(url) ? new URL(url).hostname : ''
  return host === '' ? 'a database elsewhere' : host
}

async function connectTo(url: string | undefined, timeoutMs: number): Promise<pg.Client | undefined> {
  if (url === undefined) return undefined
  return connect(url, {
    application_name: 'admit-once',
    statement_timeout: timeoutMs,
    query_timeout: timeoutMs,
  }).catch((error: unknown) => {
    throw new CommandError(reasonOf(error).replaceAll('DATABASE_URL', '--database-url'))
  })
}

function queryOn(client: pg.Client): Call['sql'] {
  return async <Row extends object>(text: string, values: readonly unknown[] = []) =>
    (await client.query(text, [...values])).rows as Row[]
}

/** The command of the same run. A URL of a database stands in it without its password. */
function commandOf(file: string, { _: names, profile, url, yes, ...args }: TargetArguments): string {
  const database = args['database-url'] === undefined ? [] : ['--database-url', '"$DATABASE_URL"']
  const flags = [...(url === undefined ? [] : ['--url', url]), ...database, ...(yes ? ['--yes'] : [])]
  return ['npx admit-once prove', ...names, '--target', file, '--profile', profile, ...flags].join(' ')
}
