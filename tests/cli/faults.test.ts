import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { NO_SMALL_DISK, openSmallDisk } from '../../src/cli/small-disk.ts'
import { eventually } from '../../src/embedded/processes.ts'
import {
  assertAnswers,
  assertDocumented,
  assertKept,
  type Expected,
  openFaultOffice,
  report,
} from '../support/fault-office.ts'
import { makePostgres, type Postgres, takeAll } from '../support/postgres.ts'
import { openProxy, type TcpProxy } from '../support/proxy.ts'

const LASTS_MS = 3_000

interface World {
  readonly postgres: Postgres
  readonly proxy: TcpProxy
}

interface Fault extends Expected {
  readonly name: string
  readonly strike: (world: World) => Promise<void>
}

const UNREACHABLE = '503 DATABASE_UNREACHABLE'
/** Of calls that were under way. */
const UNCONFIRMED = '503 COMMIT_UNCONFIRMED'
const READ_ONLY = '503 DATABASE_READ_ONLY'

const FAULTS: readonly Fault[] = [
  {
    name: 'one busy backend is killed',
    strike: async ({ postgres }) => {
      const before = await checkpointerOf(postgres)
      process.kill(await backendOf(postgres), 'SIGKILL')
      // All backends are ended and started anew: until then an answer may still be from before.
      const isNew = async () =>
        ![before, undefined].includes(await checkpointerOf(postgres).catch(() => undefined))
      assert.ok(await eventually(WAITS_MS_MAX, isNew), 'PostgreSQL has not started anew')
    },
    answers: [UNCONFIRMED],
    perhaps: [UNREACHABLE],
    health: [],
    silenceMsMax: 8_000,
  },
  {
    name: 'the postmaster is killed, and started again',
    strike: async ({ postgres }) => {
      await postgres.kill()
      await delay(LASTS_MS)
      await postgres.start(SETTINGS)
    },
    answers: [UNREACHABLE],
    perhaps: [UNCONFIRMED],
    health: [UNREACHABLE],
    silenceMsMax: LASTS_MS + 8_000,
  },
  {
    name: 'PostgreSQL is stopped in order, and started again',
    strike: async ({ postgres }) => {
      await postgres.stop()
      await delay(LASTS_MS)
      await postgres.start(SETTINGS)
    },
    answers: [UNREACHABLE],
    perhaps: [UNCONFIRMED],
    health: [UNREACHABLE],
    silenceMsMax: LASTS_MS + 8_000,
  },
  {
    name: 'the proxy is gone, and comes again',
    strike: async ({ proxy }) => {
      await proxy.die()
      await delay(LASTS_MS)
      await proxy.heal()
    },
    answers: [UNREACHABLE],
    perhaps: [UNCONFIRMED],
    health: [UNREACHABLE],
    silenceMsMax: LASTS_MS + 3_000,
  },
  {
    name: 'the database takes no writes, and takes them again',
    strike: async ({ postgres }) => {
      await postgres.ask('alter system set default_transaction_read_only = on')
      await postgres.ask('select pg_reload_conf()')
      await delay(LASTS_MS)
      await postgres.ask('alter system reset default_transaction_read_only')
      await postgres.ask('select pg_reload_conf()')
    },
    answers: [READ_ONLY],
    health: [READ_ONLY],
    silenceMsMax: LASTS_MS + 3_000,
  },
  {
    name: 'packets vanish on all that is open',
    strike: async ({ proxy }) => proxy.blackHole(),
    answers: ['503 DATABASE_TIMEOUT'],
    health: ['503 DATABASE_TIMEOUT'],
    silenceMsMax: 12_000,
  },
  {
    name: 'all connections of the server are used up',
    strike: async ({ postgres, proxy }) => {
      await proxy.die()
      const taken = await takeAll(postgres)
      await proxy.heal()
      await delay(LASTS_MS)
      await Promise.all(taken.map((client) => client.end()))
    },
    answers: ['503 DATABASE_BUSY'],
    perhaps: [UNREACHABLE, UNCONFIRMED],
    health: ['503 DATABASE_BUSY'],
    silenceMsMax: LASTS_MS + 5_000,
  },
]

/** For what a fault begins or ends with. */
const WAITS_MS_MAX = 30_000
const SETTINGS = { max_connections: '70' }

describe('the server lives through what its database does', { concurrency: false }, async () => {
  const postgres = await makePostgres()
  await postgres.start(SETTINGS)
  const proxy = await openProxy(postgres.url)
  const office = await openFaultOffice(proxy.through(postgres.url), postgres.url)
  for (const fault of FAULTS) {
    test(fault.name, async (t) => {
      assertDocumented(fault.name, fault)
      const seen = await office.during(() => fault.strike({ postgres, proxy }))
      report(t, seen)
      assertAnswers(office, seen, fault)
      await assertKept(seen, postgres.ask)
    })
  }
})

const FULL_DISK: Expected = {
  answers: ['503 DATABASE_FULL'],
  // PostgreSQL itself goes down where its write-ahead log finds no room.
  perhaps: [UNREACHABLE, UNCONFIRMED],
  health: ['503 DATABASE_FULL', UNREACHABLE],
  silenceMsMax: 2 * LASTS_MS + 15_000,
}

test('a full disk: buyers are refused by name, health too, and it ends when there is room', {
  skip: NO_SMALL_DISK ?? false,
}, async (t) => {
  const disk = await openSmallDisk(join(tmpdir(), `admit-once-disk-${process.pid}`))
  after(disk.close)
  const postgres = await makePostgres(disk.folder)
  await postgres.start({ max_wal_size: '64MB', min_wal_size: '32MB', ...SETTINGS })
  const office = await openFaultOffice(postgres.url, postgres.url)
  const seen = await office.during(async () => {
    await disk.fill()
    await delay(2 * LASTS_MS)
    await disk.free()
  })
  report(t, seen)
  assertDocumented('the disk is full, and has room again', FULL_DISK)
  assertAnswers(office, seen, FULL_DISK)
  assert.match(office.output(), /"database_condition","condition":"DISK_FULL",.*No space left/)
  await assertKept(seen, postgres.ask)
})

async function checkpointerOf({ ask }: Postgres): Promise<number | undefined> {
  const rows = await ask<{ pid: number }>(
    `select pid from pg_stat_activity where backend_type = 'checkpointer'`,
  )
  return rows[0]?.pid
}

async function backendOf({ ask }: Postgres): Promise<number> {
  const busy = `select pid from pg_stat_activity where application_name = 'admit-once' and state = 'active'`
  let pid = 0
  const isBusy = async () => {
    pid = (await ask<{ pid: number }>(busy))[0]?.pid ?? 0
    return pid > 0
  }
  assert.ok(await eventually(WAITS_MS_MAX, isBusy), 'no backend is busy')
  return pid
}
