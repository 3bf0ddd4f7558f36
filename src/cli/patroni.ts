import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { closeSync, openSync } from 'node:fs'
import { chown, mkdtemp, readFile, realpath, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type pg from 'pg'
import { checkServer } from '../db/check-server.ts'
import { connectToOneOf } from '../db/connection.ts'
import { type Account, accountFor } from '../embedded/account.ts'
import { killServer } from '../embedded/kill.ts'
import { freePort } from '../embedded/server.ts'
import type { Replication } from '../proof/faults/failover.ts'
import { openTcpProxy, type TcpProxy } from '../proof/faults/tcp-proxy.ts'
import { type Closing, openClosing } from './closing.ts'
import { CommandError } from './failure.ts'
import type { PatroniTools } from './find-patroni.ts'
import { configOf, etcdArguments, NODES } from './patroni-config.ts'
import { openSweeper } from './sweeper.ts'

/** Nodes of PostgreSQL under Patroni and an etcd of their own, on loopback. For proofs. */
export interface PatroniCluster {
  /** Of all nodes, as a user would write it into DATABASE_URL. */
  readonly url: string
  /** A new connection to the node that takes writes. */
  connect(): Promise<pg.Client>
  /** SIGKILL to the leader's Patroni and every process of its PostgreSQL at once, and what was on its way to the others is lost. */
  killLeader(): Promise<void>
  /** Waits until Patroni made another node the leader; throws where that was no synchronous standby and there was one. */
  elect(): Promise<void>
  /** All of it is killed, and its folder gone. */
  close(): Promise<void>
}

export interface PatroniOptions {
  readonly tools: PatroniTools
  readonly replication: Replication
  readonly signal: AbortSignal
}

const ETCD_MS_MAX = 30_000
const STREAMS_MS_MAX = 120_000
/** The dead leader's key lives for 20 s at most; a busy machine votes slowly. */
const ELECT_MS_MAX = 120_000
const ANSWER_MS_MAX = 3_000
const POLL_MS = 200
const LOG_CHARACTERS_SHOWN = 1_500

/** Made, started and streaming to all standbys, one of them synchronous where that is asked for. It takes some 15 s. */
export async function openPatroni(options: PatroniOptions): Promise<PatroniCluster> {
  const closing = openClosing()
  try {
    const place = await openPlace(closing)
    const etcd = await startEtcd(place, options)
    const password = randomBytes(16).toString('hex')
    const nodes: Node[] = []
    for (const name of NODES)
      nodes.push(await startNode(name, place, closing, { ...options, etcd, password }))
    const hosts = nodes.map(({ port }) => `127.0.0.1:${port}`).join()
    const url = `postgres://postgres:${password}@${hosts}/postgres`
    await untilTheyStream(url, nodes, options)
    return clusterOf(url, nodes, options, closing)
  } catch (error) {
    await closing.close()
    throw error
  }
}

interface Place {
  readonly folder: string
  readonly account: Account | undefined
}

/** PostgreSQL refuses root, and the folder holds passwords: only the account that it runs as may read them. */
async function openPlace(closing: Closing): Promise<Place> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'admit-once-patroni-')))
  const account = await accountFor(folder)
  await closing.after(openSweeper(folder, account), (it) => it.close())
  if (account !== undefined) await chown(folder, account.uid, account.gid)
  return { folder, account }
}

interface Daemon {
  readonly name: string
  readonly process: ChildProcess
  readonly log: string
}

/** In the folder, by which the sweeper finds it; without our environment, which may configure Patroni. */
function startDaemon(
  { folder, account }: Place,
  name: string,
  file: string,
  args: readonly string[],
): Daemon {
  const log = join(folder, `${name}.log`)
  const output = openSync(log, 'a', 0o600)
  const child = spawn(file, args, {
    ...account,
    cwd: folder,
    env: { PATH: '/usr/bin:/bin', HOME: folder, LC_ALL: 'C' },
    stdio: ['ignore', output, output],
    // Ctrl-C belongs to the one who started the run.
    detached: true,
  })
  closeSync(output)
  // One that cannot be started is told by who waits for it.
  child.on('error', () => {})
  return { name, process: child, log }
}

/** Gives its address. */
async function startEtcd(place: Place, options: PatroniOptions): Promise<string> {
  const [client, peer] = [await freePort(), await freePort()]
  const args = etcdArguments(join(place.folder, 'etcd'), client, peer)
  const daemon = startDaemon(place, 'etcd', options.tools.etcd, args)
  const health = `http://127.0.0.1:${client}/health`
  const { signal } = options
  await until('etcd answers', ETCD_MS_MAX, { daemons: [daemon], signal }, async () => {
    const answer = (await readJson(health)) as { readonly health?: string } | undefined
    return answer?.health === 'true'
  })
  return `127.0.0.1:${client}`
}

interface Node extends Daemon {
  readonly port: number
  readonly apiUrl: string
  readonly pgdata: string
  /** Before its PostgreSQL, for the others. */
  readonly relay: TcpProxy
}

async function startNode(
  name: string,
  place: Place,
  closing: Closing,
  {
    tools,
    replication,
    etcd,
    password,
  }: PatroniOptions & { readonly etcd: string; readonly password: string },
): Promise<Node> {
  const [port, apiPort] = [await freePort(), await freePort()]
  const relay = await closing.after(openTcpProxy(port), async (it) => it.close())
  relay.delay(replication.distanceMs)
  const pgdata = join(place.folder, name)
  const file = join(place.folder, `${name}.json`)
  const ports = { port, apiPort, relayPort: relay.port }
  const own = { name, pgdata, ...ports, pgpass: join(place.folder, `${name}.pgpass`) }
  const { isSynchronous } = replication
  await writeFile(file, configOf({ ...own, etcd, password, isSynchronous, binFolder: tools.binFolder }), {
    mode: 0o600,
  })
  if (place.account !== undefined) await chown(file, place.account.uid, place.account.gid)
  const daemon = startDaemon(place, name, tools.patroni, [file])
  return { ...daemon, port, pgdata, relay, apiUrl: `http://127.0.0.1:${apiPort}` }
}

interface Member {
  readonly name: string
  readonly role: string
}

/** What the first node that answers knows of all. */
async function membersOf(nodes: readonly Node[]): Promise<readonly Member[]> {
  for (const { apiUrl } of nodes) {
    const answer = await readJson(`${apiUrl}/cluster`)
    const { members } = (answer ?? {}) as { readonly members?: readonly Member[] }
    if (members !== undefined) return members
  }
  return []
}

function namesOf(members: readonly Member[], role: 'leader' | 'sync_standby'): string[] {
  return members.filter((member) => member.role === role).map(({ name }) => name)
}

const STREAMING = `select count(*)::int as n from pg_stat_replication where state = 'streaming'`

async function untilTheyStream(
  url: string,
  nodes: readonly Node[],
  { replication: { isSynchronous }, signal }: PatroniOptions,
): Promise<void> {
  const what = `${nodes.length - 1} standbys stream${isSynchronous ? ', one of them synchronous' : ''}`
  await until(what, STREAMS_MS_MAX, { daemons: nodes, signal }, async () => {
    const members = await membersOf(nodes)
    if (namesOf(members, 'leader').length === 0) return false
    if (namesOf(members, 'sync_standby').length !== (isSynchronous ? 1 : 0)) return false
    // Patroni starts a PostgreSQL more than once until it has all its settings.
    return (await streamingOf(url).catch(() => 0)) === nodes.length - 1
  })
}

async function streamingOf(url: string): Promise<number | undefined> {
  const client = await connectTo(url)
  const { rows } = await client.query<{ n: number }>(STREAMING).finally(() => client.end())
  return rows[0]?.n
}

async function connectTo(url: string): Promise<pg.Client> {
  return (await connectToOneOf(url, {}, checkServer)).client
}

function clusterOf(
  url: string,
  nodes: readonly Node[],
  { replication: { isSynchronous }, signal }: PatroniOptions,
  closing: Closing,
): PatroniCluster {
  let [living, heirs] = [nodes, NODES]
  return {
    url,
    connect: () => connectTo(url),
    killLeader: async () => {
      const [name] = namesOf(await membersOf(living), 'leader')
      const leader = living.find((node) => node.name === name)
      if (leader === undefined) throw new Error('the cluster has no leader that could be killed')
      leader.process.kill('SIGKILL')
      await Promise.all([killServer(leader.pgdata), leader.relay.die()])
      living = living.filter((node) => node !== leader)
      heirs = living.map((node) => node.name)
      // Nobody names another one while there is no leader.
      if (isSynchronous) heirs = namesOf(await membersOf(living), 'sync_standby')
    },
    elect: async () => {
      let leader: string | undefined
      await until('Patroni elects a leader', ELECT_MS_MAX, { daemons: living, signal }, async () => {
        leader = namesOf(await membersOf(living), 'leader').find((name) =>
          living.some((node) => node.name === name),
        )
        return leader !== undefined
      })
      if (leader === undefined || !heirs.includes(leader))
        throw new Error(`Patroni made ${leader} the leader, where only ${heirs.join(', ')} may be`)
    },
    close: closing.close,
  }
}

/** Throws with the ends of the logs where it does not come about in time, or where one of the daemons ended by itself. */
async function until(
  what: string,
  msMax: number,
  { daemons, signal }: { readonly daemons: readonly Daemon[]; readonly signal: AbortSignal },
  ask: () => Promise<boolean>,
): Promise<void> {
  const endMs = performance.now() + msMax
  while (!(await ask())) {
    const gone = daemons.filter(({ process: { exitCode, signalCode, pid } }) => {
      return pid === undefined || exitCode !== null || signalCode !== null
    })
    if (gone.length > 0)
      throw await failureOf(`${gone.map(({ name }) => name).join(', ')} ended before ${what}`, gone)
    if (performance.now() > endMs) throw await failureOf(`not within ${msMax / 1000} s: ${what}`, daemons)
    await delay(POLL_MS, undefined, { signal })
  }
}

async function failureOf(what: string, daemons: readonly Daemon[]): Promise<CommandError> {
  const ends = daemons.map(async ({ name, log }) => {
    const text = await readFile(log, 'utf8').catch(() => '')
    return `The end of what ${name} says:\n${text.slice(-LOG_CHARACTERS_SHOWN).trim()}`
  })
  return new CommandError(`A cluster under Patroni: ${what}.\n${(await Promise.all(ends)).join('\n')}`)
}

/** Undefined where no JSON is answered in time. */
async function readJson(url: string): Promise<unknown> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS_MAX) })
    return await response.json()
  } catch {
    return undefined
  }
}
