import type { Client } from 'pg'
import { randomFrom } from '../../core/random.ts'
import { control } from '../stand-in.ts'
import type { Fault, PlannedFault } from './fault-plan.ts'
import type { CutTime, TcpProxy } from './tcp-proxy.ts'
import { type FastStandIn, type MortalServer, pause } from './world.ts'

/** How PostgreSQL is ended: the postmaster alone or all its processes are killed, or it is told to restart. */
export type Blow = 'postmaster' | 'everything' | 'fast' | 'immediate'

/** A server, its database and its provider, of which each part can fail. */
export interface FragileWorld {
  /** Starts a server, or starts it again, with its clock so far from the right time. */
  readonly startServer: (clockShiftMs?: number) => Promise<MortalServer>
  /** Fulfilled when PostgreSQL runs again. */
  readonly strikeDatabase: (blow: Blow) => Promise<void>
  readonly killProcess: (pid: number) => void
  /** A new connection that meets no fault but those of PostgreSQL itself. */
  readonly connect: () => Promise<Client>
  /** From the server to its database, or to the PgBouncer before it. */
  readonly line: TcpProxy
  readonly providerLine: TcpProxy
  readonly pooler: { kill(): Promise<void>; start(): Promise<void> } | undefined
  readonly disk: { fill(): Promise<void>; free(): Promise<void> } | undefined
  readonly standIn: FastStandIn
  readonly staffToken: (userId: string) => Promise<string>
  readonly signal: AbortSignal
}

/** The server of a run, which is another one after each of its deaths. */
export interface House {
  readonly url: () => string
  readonly kill: () => Promise<void>
  readonly start: (clockShiftMs?: number) => Promise<void>
}

interface Scene {
  readonly world: FragileWorld
  readonly house: House
  readonly planned: PlannedFault
}

/** Does it, lets it last, and heals it; false where it met nothing. */
export function strike(world: FragileWorld, house: House, planned: PlannedFault): Promise<boolean> {
  return STRIKES[planned.fault]({ world, house, planned })
}

const STRIKES: Readonly<Record<Fault, (scene: Scene) => Promise<boolean>>> = {
  'kills of the server': async ({ house }) => {
    await house.kill()
    await house.start()
    return true
  },
  'kills of a backend': ({ world }) => killBackend(world),
  'kills of the postmaster': ({ world }) => blow(world, 'postmaster'),
  'kills of all of PostgreSQL': ({ world }) => blow(world, 'everything'),
  'fast restarts of PostgreSQL': ({ world }) => blow(world, 'fast'),
  'immediate restarts of PostgreSQL': ({ world }) => blow(world, 'immediate'),
  'connections cut before a call': ({ world }) => cutAt(world, 'before it arrives'),
  'connections cut after a commit': ({ world }) => cutAt(world, 'after its answer'),
  'breaks of the network': ({ world, planned }) => gone(world.line, planned),
  'holes that swallow packets': async ({ world }) => {
    world.line.blackHole()
    return true
  },
  'spells of a database without writes': async ({ world, planned }) => {
    await administer(world, 'alter system set default_transaction_read_only = on')
    await pause(planned.lastsMs)
    await administer(world, 'alter system reset default_transaction_read_only')
    return true
  },
  'full disks': async ({ world, planned }) => {
    if (world.disk === undefined) return false
    await world.disk.fill()
    await pause(planned.lastsMs)
    await world.disk.free()
    return true
  },
  'strangers with all connections': takeConnections,
  'kills of PgBouncer': async ({ world, planned }) => {
    if (world.pooler === undefined) return false
    await world.pooler.kill()
    await pause(planned.lastsMs)
    await world.pooler.start()
    return true
  },
  'spells of a slow provider': async ({ world, planned }) => {
    world.providerLine.delay(planned.lastsMs)
    world.providerLine.cut()
    await pause(planned.lastsMs)
    await world.providerLine.heal()
    return true
  },
  'breaks of the provider': ({ world, planned }) => gone(world.providerLine, planned),
  'spells of lost webhooks and answers': async ({ world, planned }) => {
    await control(world.standIn, 'chaos', { ...PROVIDER_CHAOS, seed: planned.seed })
    await pause(planned.lastsMs)
    await control(world.standIn, 'chaos', null)
    return true
  },
  'wrong clocks of the server': async ({ world, house, planned }) => {
    const random = randomFrom(planned.seed)
    const shiftMs = (CLOCK_SHIFTS_MS[random.below(CLOCK_SHIFTS_MS.length)] ?? 0) * (random.below(2) * 2 - 1)
    await house.kill()
    await house.start(shiftMs)
    await pause(planned.lastsMs)
    world.signal.throwIfAborted()
    await house.kill()
    await house.start()
    return true
  },
}

const PROVIDER_CHAOS = { duplicates: 4, delayMs: 1_000, lostAnswers: 0.2, lostEvents: 0.2, rateLimited: 0.2 }
const CLOCK_SHIFTS_MS = [90_000, 3_600_000, 86_400_000, 400 * 86_400_000]
const MEETS_MS_MAX = 10_000

/** The verb that makes an order, as the server says it to the database. */
const CALL = 'ticketing.checkout_many('

async function cutAt({ line }: FragileWorld, when: CutTime): Promise<boolean> {
  return line.cutAt(CALL, when, MEETS_MS_MAX)
}

async function blow(world: FragileWorld, how: Blow): Promise<boolean> {
  await world.strikeDatabase(how)
  return true
}

async function gone(line: TcpProxy, { lastsMs }: PlannedFault): Promise<boolean> {
  await line.die()
  await pause(lastsMs)
  await line.heal()
  return true
}

/** SIGKILL to a backend that is at work for the server: PostgreSQL ends all others and recovers. */
async function killBackend(world: FragileWorld): Promise<boolean> {
  const client = await world.connect()
  try {
    for (const end = performance.now() + MEETS_MS_MAX; performance.now() < end; await pause(5)) {
      const { rows } = await client.query<{ pid: number }>(
        `select pid from pg_stat_activity where backend_type = 'client backend' and state = 'active'
           and pid <> pg_backend_pid() order by application_name = 'admit-once' desc limit 1`,
      )
      if (rows[0] === undefined) continue
      world.killProcess(rows[0].pid)
      return true
    }
    return false
  } finally {
    await client.end().catch(() => undefined)
  }
}

async function takeConnections({ world, planned }: Scene): Promise<boolean> {
  const taken: Client[] = []
  await world.line.die()
  try {
    for (let refused = 0; refused < REFUSED_MIN && taken.length < STRANGERS_MAX; ) {
      const client = await world.connect().catch(() => undefined)
      if (client === undefined) refused++
      else taken.push(client)
    }
  } finally {
    await world.line.heal()
    await pause(planned.lastsMs)
    await Promise.all(taken.map((client) => client.end().catch(() => undefined)))
  }
  return taken.length < STRANGERS_MAX
}

/** So often refused in a row of tries, there are none left. */
const REFUSED_MIN = 5
const STRANGERS_MAX = 500

async function administer({ connect }: FragileWorld, statement: string): Promise<void> {
  const client = await connect()
  try {
    await client.query(statement)
    await client.query('select pg_reload_conf()')
  } finally {
    await client.end()
  }
}
