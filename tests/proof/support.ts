import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import type { Client } from 'pg'
import { buildApp } from '../../src/api/app.ts'
import { openAuthenticator } from '../../src/api/authenticator.ts'
import { clientFinder } from '../../src/api/client-address.ts'
import type { CodeSigner } from '../../src/api/code-signer.ts'
import { listen } from '../../src/api/listen.ts'
import { openRealtime } from '../../src/api/realtime/realtime.ts'
import { openCatalogue } from '../../src/api/rest/catalogue.ts'
import { findPatroni } from '../../src/cli/find-patroni.ts'
import { variablesOf } from '../../src/cli/fixtures.ts'
import { gateCodeVariables } from '../../src/cli/gate-codes.ts'
import { openMortals } from '../../src/cli/mortals.ts'
import { openSigner, serveSigner } from '../../src/cli/signing-key.ts'
import { openChaosWorld, openStandInServer, type StandInServer } from '../../src/cli/stand-in-server.ts'
import { GUARANTEES, type Guarantee, type Protection } from '../../src/core/guarantees.ts'
import { openLog } from '../../src/core/log.ts'
import { migrate } from '../../src/db/migrate.ts'
import { openPool } from '../../src/db/pool.ts'
import { startJobs } from '../../src/jobs/jobs.ts'
import { BUILT_IN, type Engines, findEngines } from '../../src/load/engine.ts'
import { openStripe, type PaymentProvider } from '../../src/payments/provider.ts'
import type { MortalServer } from '../../src/proof/faults/world.ts'
import type { Profile } from '../../src/proof/profiles.ts'
import type { StageResult } from '../../src/proof/results.ts'
import { type Mortals, openRun, type Run, type RunningServer, type Stage } from '../../src/proof/run.ts'
import type { AttackDatabases } from '../../src/proof/run-databases.ts'
import { takeAway } from '../../src/proof/sabotage/sabotage.ts'
import { runStage, STAGES } from '../../src/proof/stages/index.ts'
import { openPaymentWitness, type PaymentWitness } from '../../src/proof/stand-in.ts'
import { SEED } from '../support/codes.ts'
import { testDatabase } from '../support/database.ts'

/** As small as a run can be that still sees everything happen which must happen. */
export const SMALL: Profile = {
  name: 'small',
  isWhole: false,
  patience: 10,
  buyers: 60,
  duels: 20,
  carts: { seconds: 2, askSeconds: 0.3, patienceSeconds: 4 },
  scannerTickets: 20,
  scannerPause: 0,
  raceStart: 1,
  stress: { scans: 50, pause: 0 },
  rush: { rate: 20, seconds: 1, tickets: 10 },
  offline: { tickets: 50, pause: 0.01 },
  guests: 40,
  dashboard: { sales: 4, pause: 0.1, waitSeconds: 5 },
  flow: { seconds: 1, pause: 0.1 },
  purchase: { buyers: 10, arrivalSeconds: 0.2, waitSeconds: 10 },
  resale: { askingSeconds: 6, askSeconds: 0.3 },
  cancellation: { buyers: 30, arrivalSeconds: 3, waitSeconds: 30 },
  lastSecond: { askingSeconds: 12, askSeconds: 0.3 },
  burst: { events: 20, seconds: 1 },
  isolations: ['read committed'],
  chaos: { orders: 12, everything: false },
  deaths: 1,
  failovers: 1,
  faultRuns: 1,
  reserve: { clients: 8, threads: 2, seconds: 1 },
  serializable: { clients: 16, threads: 2, seconds: 1 },
  churn: { clients: 8, threads: 2, seconds: 1 },
  mixed: { clients: 8, threads: 2, seconds: 3 },
}

export interface TestRunOptions {
  /** Done to every database of the run before anything else. */
  readonly change?: (client: Client) => Promise<unknown>
  readonly profile?: Partial<Profile>
  readonly engines?: Engines
  readonly only?: readonly string[]
  readonly level?: Run['level']
  readonly startServer?: (databaseUrl: string) => Promise<RunningServer>
  /** What is wrong with the provider: as the server meets it, and as the proof asks it. */
  readonly payments?: (payments: PaymentProvider) => PaymentProvider
  readonly provider?: (provider: PaymentWitness) => PaymentWitness
  /** The server works off what is due, as `admit-once start` does; else nothing happens that nobody asks for. */
  readonly jobs?: boolean
  readonly signal?: AbortSignal
  readonly openPooler?: NonNullable<Run['openPooler']>
  readonly mortals?: NonNullable<Run['mortals']>
  /** What is wrong with how the server reads codes. */
  readonly codes?: (codes: CodeSigner) => CodeSigner
}

/** A run on clones of the test template, whose server runs in this process and asks nobody whether it may sell. */
export async function openTestRun(options: TestRunOptions = {}): Promise<Run> {
  const signal = options.signal ?? new AbortController().signal
  const standIn = await openStandInServer(1)
  after(() => standIn.close())
  const { webhookSecret } = standIn
  const provider = openPaymentWitness(standIn)
  const folder = await mkdtemp(join(tmpdir(), 'admit-once-proof-test-'))
  after(() => rm(folder, { recursive: true, force: true }))
  const main = await cloneWith(options.change)
  const clones: AttackDatabases = {
    // A stage makes more of them than a server has connections.
    withClone: async (work) => {
      const database = await cloneWith(options.change)
      try {
        return await work(database)
      } finally {
        await database.close()
      }
    },
    close: async () => {},
  }
  return openRun({
    databases: { main, ...clones },
    attackDatabases: clones,
    source: 'DATABASE_URL',
    ...(options.openPooler === undefined ? {} : { openPooler: options.openPooler }),
    ...(options.mortals === undefined ? {} : { mortals: options.mortals }),
    profile: { ...SMALL, ...options.profile },
    seed: 1,
    only: options.only ?? [],
    level: options.level ?? 3,
    engines: options.engines ?? BUILT_IN,
    startServer: options.startServer ?? ((url) => standIn.serve(() => startHere(url, standIn, options))),
    provider: options.provider?.(provider) ?? provider,
    openChaosWorld: async (database) => {
      const chaos = await openChaosWorld(database, { seed: 1, signal, jwtSecret: JWT_SECRET })
      // A server of its own would refuse to sell from a changed database.
      return options.change === undefined
        ? chaos
        : {
            ...chaos,
            world: {
              ...chaos.world,
              startServer: () => startMortal(database.url, chaos.standIn, options.jobs),
            },
          }
    },
    variablesOf: async (fixture, url) => {
      const codes = await openSigner(SEED, main.client)
      return {
        ...(await variablesOf(fixture, { jwtSecret: JWT_SECRET, webhookSecret, codes }, url)),
        ...(await gateCodeVariables(fixture, codes, main.client)),
      }
    },
    folder,
    run: { id: 'test', command: 'npx admit-once prove', version: '0.0.0', startedAt: new Date() },
    clock: () => new Date(),
    signal,
  })
}

/** An installed database, changed, as a run has them. */
async function cloneWith(change: TestRunOptions['change']) {
  const database = await testDatabase()
  // As the databases has it: a lost connection is told by the query that uses it.
  const clients = [database.client.on('error', () => {})]
  const connect = async () => {
    const client = (await database.connect()).on('error', () => {})
    clients.push(client)
    return client
  }
  await change?.(database.client)
  return {
    url: database.url,
    client: database.client,
    connect: (count: number) => Promise.all(Array.from({ length: count }, connect)),
    close: () => Promise.all(clients.map((client) => client.end())),
  }
}

export const JWT_SECRET = 'a secret of the tests, long enough for a key'

/** A server in this process that is paid at `standIn`, with what is wrong with its provider and its codes. */
async function startHere(
  databaseUrl: string,
  standIn: StandInServer,
  change: Pick<TestRunOptions, 'payments' | 'codes' | 'jobs'> = {},
): Promise<RunningServer> {
  const database = await openPool(databaseUrl, { max: 10, name: 'admit-once' })
  const payments = openStripe({ ...standIn, apiUrl: standIn.environment['STRIPE_API_URL'] })
  const served = await serveSigner(SEED, database, () => {})
  const authenticator = await openAuthenticator(JWT_SECRET)
  const log = openLog(
    'error',
    () => new Date(),
    () => {},
  )
  const realtime = await openRealtime({
    database,
    databaseUrl,
    authenticator,
    log,
    findClient: clientFinder({ header: undefined, trusted: ['private'] }),
  })
  // As `admit-once start` does, so that no user waits for it.
  const catalogue = openCatalogue(database)
  await catalogue.relations()
  const app = buildApp({
    database,
    authenticator,
    realtime,
    catalogue,
    codes: change.codes?.(served.codes) ?? served.codes,
    payments: change.payments?.(payments) ?? payments,
  })
  const jobs = change.jobs === true ? startJobs(database, payments, log) : undefined
  const listening = await listen(app, { host: '127.0.0.1', port: 0, upgrade: realtime.upgrade })
  return {
    url: listening.url,
    stop: async () => {
      await jobs?.stop()
      await realtime.close()
      await listening.close()
      await served.stop()
      await database.close()
    },
  }
}

async function startMortal(databaseUrl: string, standIn: StandInServer, jobs = false): Promise<MortalServer> {
  const server = await standIn.serve(() => startHere(databaseUrl, standIn, { jobs }))
  return { ...server, kill: server.stop }
}

let families = 0

/** What this machine has to make clusters under Patroni. */
export const PATRONI = await findPatroni()

/** PostgreSQLs that may be killed, with the product in them. */
export function testMortals(patroni = PATRONI): Mortals {
  const { signal } = new AbortController()
  const folder = join(tmpdir(), `admit-once-mortal-${process.pid}-${families++}`)
  const mortals = openMortals(folder, {
    ...{ jwtSecret: JWT_SECRET, signal, install: migrate, pooler: ENGINES.pooler, patroni },
  })
  after(() => mortals.close())
  return mortals
}

/** Runs these stages, the preflight first, and gives the last one's result. */
export async function runStages(run: Run, ...names: readonly Stage['name'][]): Promise<StageResult> {
  const results: StageResult[] = []
  for (const stage of STAGES.filter(({ name }) => name === 'preflight' || names.includes(name))) {
    results.push(await runStage(run, stage, () => {}))
  }
  const last = results.at(-1)
  if (last === undefined) throw new Error('no stage')
  return last
}

export function guaranteeNamed(name: string): Guarantee {
  const found = GUARANTEES.find((guarantee) => guarantee.name === name)
  if (found === undefined) throw new Error(`no guarantee ${name}`)
  return found
}

/** Takes away what refuses, so that nothing but the proof itself is left to notice. */
export function withoutRefusals(name: string): (client: Client) => Promise<void> {
  return withoutProtections(guaranteeNamed(name).protections.filter((p) => p.role === 'refuses'))
}

export function withoutProtections(protections: readonly Protection[]): (client: Client) => Promise<void> {
  return async (client) => {
    for (const protection of protections) await takeAway(client, protection)
  }
}

/** A box office to which every key is new: asked alone, and in a batch. */
export const FORGETS_KEYS: readonly (readonly [fn: string, fragment: string, replacement: string])[] = [
  [
    'ticketing.buy',
    'v_use := ticketing.key_use',
    "v_key := null; p_request := p_request - 'idempotency_key'; v_use := ticketing.key_use",
  ],
  [
    'ticketing.read_purchases',
    'v_use := ticketing.key_use',
    "v_request := v_request - 'idempotency_key'; v_use := ticketing.key_use",
  ],
]

/** A verb in which a fragment was replaced. */
export function changed(
  fn: string,
  fragment: string,
  replacement: string,
): (client: Client) => Promise<void> {
  const edit = {
    name: 'edit',
    role: 'refuses',
    kind: 'decision',
    object: fn,
    without: [[fn, fragment, replacement]],
  } as const
  return (client) => takeAway(client, edit)
}

/** The first check whose name contains these words. */
export function checkNamed(result: Pick<StageResult, 'checks'>, words: string) {
  const found = result.checks.find(({ name }) => name.includes(words))
  if (found === undefined) throw new Error(`no check "${words}" in ${result.checks.map(({ name }) => name)}`)
  return found
}

/** The engines of this machine: the user's own k6 and pgbench where they are on the PATH. */
export const ENGINES: Engines = await findEngines()

/** Why a test that compares engines is skipped, if it is. */
export const NO_K6 = ENGINES.http.name === 'k6' ? false : 'k6 is not on the PATH'
export const NO_PGBENCH = ENGINES.database.name === 'pgbench' ? false : 'pgbench is not on the PATH'
