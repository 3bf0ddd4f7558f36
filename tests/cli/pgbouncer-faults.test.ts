import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import {
  assertAnswers,
  assertDocumented,
  assertKept,
  type Expected,
  type FaultOffice,
  openFaultOffice,
  report,
  type Seen,
} from '../support/fault-office.ts'
import { makePgBouncer, noPgBouncer, type PgBouncer } from '../support/pgbouncer.ts'
import { makePostgres, type Postgres, setStandby, takeAll } from '../support/postgres.ts'
import { openProxy, type TcpProxy } from '../support/proxy.ts'

const LASTS_MS = 3_000
/** A call that PgBouncer lets wait is given up after 10 s. */
const OUTLASTS_CALLS_MS = 13_000
const POOL_SIZE = 40
const CLIENTS_MAX = 80
const SETTINGS = { max_connections: '70' }

interface World {
  readonly postgres: Postgres
  readonly bouncer: PgBouncer
  /** Between the server and PgBouncer. */
  readonly before: TcpProxy
  /** Between PgBouncer and PostgreSQL. */
  readonly behind: TcpProxy
}

interface Fault extends Expected {
  readonly name: string
  readonly strike: (world: World) => Promise<void>
  /** The condition that the log names, and its cause. */
  readonly condition: string
  readonly cause: RegExp
}

const UNREACHABLE = '503 DATABASE_UNREACHABLE'
/** Of calls that were under way. */
const UNCONFIRMED = '503 COMMIT_UNCONFIRMED'
const TIMEOUT = '503 DATABASE_TIMEOUT'
const BUSY = '503 DATABASE_BUSY'

const FAULTS: readonly Fault[] = [
  {
    name: 'PgBouncer is killed, and started again',
    strike: async ({ bouncer }) => {
      await bouncer.kill()
      await delay(LASTS_MS)
      await bouncer.start()
    },
    condition: 'UNREACHABLE',
    cause: /No connection to PostgreSQL/,
    answers: [UNREACHABLE],
    perhaps: [UNCONFIRMED],
    health: [UNREACHABLE],
    silenceMsMax: LASTS_MS + 5_000,
  },
  {
    name: 'PgBouncer is stopped in order, and started again',
    strike: async ({ bouncer }) => {
      await bouncer.stop()
      await delay(LASTS_MS)
      await bouncer.start()
    },
    condition: 'UNREACHABLE',
    cause: /No connection to PostgreSQL/,
    answers: [UNREACHABLE],
    perhaps: [UNCONFIRMED],
    health: [UNREACHABLE],
    silenceMsMax: LASTS_MS + 5_000,
  },
  {
    name: 'strangers are all the clients that PgBouncer takes',
    strike: async ({ bouncer, before }) => {
      await before.die()
      const strangers = await takeAll(bouncer)
      await before.heal()
      await delay(LASTS_MS)
      await Promise.all(strangers.map((client) => client.end()))
    },
    condition: 'CONNECTIONS_USED_UP',
    cause: /PgBouncer gives no connection: no more connections allowed/,
    answers: [BUSY],
    perhaps: [UNREACHABLE, UNCONFIRMED],
    health: [BUSY],
    silenceMsMax: LASTS_MS + 5_000,
  },
  {
    name: 'strangers have the whole pool, and PgBouncer refuses who waits for longer than query_wait_timeout',
    strike: async ({ bouncer }) => {
      await bouncer.command('set query_wait_timeout = 1')
      await whilePoolIsTaken(bouncer, LASTS_MS)
      await bouncer.command('reload')
    },
    condition: 'CONNECTIONS_USED_UP',
    cause: /PgBouncer gives no connection: query_wait_timeout/,
    answers: [BUSY],
    health: [BUSY],
    silenceMsMax: LASTS_MS + 5_000,
  },
  {
    name: 'strangers have the whole pool, and PgBouncer lets wait',
    strike: ({ bouncer }) => whilePoolIsTaken(bouncer, OUTLASTS_CALLS_MS),
    condition: 'TIMED_OUT',
    cause: /takes connections, and answers nothing in time|did not answer in time/,
    answers: [TIMEOUT],
    health: [TIMEOUT],
    silenceMsMax: OUTLASTS_CALLS_MS + 5_000,
  },
  {
    name: 'PAUSE, and RESUME',
    strike: async ({ bouncer }) => {
      await bouncer.command('pause')
      await delay(OUTLASTS_CALLS_MS)
      await bouncer.command('resume')
    },
    condition: 'TIMED_OUT',
    cause: /takes connections, and answers nothing in time|did not answer in time/,
    answers: [TIMEOUT],
    health: [TIMEOUT],
    silenceMsMax: OUTLASTS_CALLS_MS + 5_000,
  },
  {
    name: 'the database behind it is killed, and started again',
    strike: async ({ postgres }) => {
      await postgres.kill()
      await delay(LASTS_MS)
      await postgres.start(SETTINGS)
    },
    condition: 'UNREACHABLE',
    cause: /server login has been failing/,
    answers: [],
    // PgBouncer's choice: refused at its door, cut off, or left in its queue, until it is over or for longer than a new connection may take.
    perhaps: [UNREACHABLE, UNCONFIRMED, TIMEOUT],
    health: [UNREACHABLE],
    silenceMsMax: LASTS_MS + 10_000,
  },
  {
    name: 'strangers take all connections of the database behind it',
    strike: async ({ postgres, behind }) => {
      await behind.die()
      const strangers = await takeAll(postgres)
      await behind.heal()
      await delay(LASTS_MS)
      await Promise.all(strangers.map((client) => client.end()))
    },
    condition: 'UNREACHABLE',
    cause: /server login has been failing/,
    answers: [],
    // PgBouncer's choice: refused at its door, cut off, or left in its queue, until it is over or for longer than a new connection may take.
    perhaps: [UNREACHABLE, UNCONFIRMED, TIMEOUT],
    health: [UNREACHABLE],
    silenceMsMax: LASTS_MS + 8_000,
  },
  {
    name: 'packets vanish behind it on all that is open',
    strike: async ({ behind }) => behind.blackHole(),
    condition: 'TIMED_OUT',
    cause: /takes connections, and answers nothing in time|did not answer in time/,
    answers: [TIMEOUT],
    health: [TIMEOUT],
    silenceMsMax: 15_000,
  },
  {
    name: 'commits behind it wait for a standby that is gone',
    strike: async ({ postgres }) => {
      await setStandby(postgres.ask, `'gone'`)
      // Long enough for calls that are late, and for those after them.
      await delay(2 * OUTLASTS_CALLS_MS)
      const waiting = await postgres.ask(
        `select from pg_stat_activity where wait_event = 'SyncRep' and application_name = 'admit-once health'`,
      )
      assert.equal(waiting.length, 1, 'each late call has wasted a connection')
      await setStandby(postgres.ask, `''`)
    },
    condition: 'TIMED_OUT',
    cause: /did not answer in time/,
    answers: [TIMEOUT],
    perhaps: ['503 LOCK_TIMEOUT'],
    health: [TIMEOUT],
    silenceMsMax: 2 * OUTLASTS_CALLS_MS + 10_000,
  },
]

describe('the server lives through what PgBouncer does', {
  concurrency: false,
  skip: noPgBouncer,
}, async () => {
  const world = await makeWorld()
  const { postgres, bouncer, before } = world
  for (const fault of FAULTS) {
    test(fault.name, async (t) => {
      assertDocumented(fault.name, fault)
      const office = await openFaultOffice(before.through(bouncer.url), postgres.url)
      const seen = await office.during(() => fault.strike(world))
      report(t, seen)
      assertAnswers(office, seen, fault)
      assertNamedOnce(office, seen, fault)
      await assertKept(seen, postgres.ask)
      await office.stop()
    })
  }
})

async function makeWorld(): Promise<World> {
  const postgres = await makePostgres()
  await postgres.start(SETTINGS)
  const behind = await openProxy(postgres.url)
  const bouncer = await makePgBouncer(behind.through(postgres.url), {
    default_pool_size: POOL_SIZE,
    max_client_conn: CLIENTS_MAX,
    server_login_retry: 1,
  })
  await bouncer.start()
  return { postgres, bouncer, before: await openProxy(bouncer.url), behind }
}

/** Strangers begin a transaction on each of its connections, and do nothing for so long. */
async function whilePoolIsTaken({ url }: PgBouncer, ms: number): Promise<void> {
  const strangers = Array.from({ length: POOL_SIZE }, () => new pg.Client({ connectionString: url }))
  await Promise.all(
    strangers.map(async (client) => {
      client.on('error', () => {})
      await client.connect()
      await client.query('begin; select 1')
    }),
  )
  await delay(ms)
  await Promise.all(strangers.map((client) => client.end()))
}

/** A condition that lasts is named every ten seconds. */
function assertNamedOnce(office: FaultOffice, { silenceMs }: Seen, { condition, cause }: Fault): void {
  const said = office
    .output()
    .split('\n')
    .filter((line) => line.includes(`"event":"database_condition","condition":"${condition}"`))
  assert.ok(said.length >= 1 && said.length <= 1 + Math.floor(silenceMs / 10_000), said.join('\n'))
  assert.match(said[0] ?? '', cause)
}
