import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '../../src/embedded/processes.ts'
import { assertKept, type FaultOffice, openFaultOffice, report, type Seen } from '../support/fault-office.ts'
import { makePostgres, type Postgres, takeAll } from '../support/postgres.ts'
import { openProxy, type TcpProxy } from '../support/proxy.ts'

const LASTS_MS = 3_000

interface World {
  readonly postgres: Postgres
  readonly proxy: TcpProxy
}

interface Fault {
  readonly name: string
  readonly strike: (world: World) => Promise<void>
  /** Answers that must have been given; no other but 200 may. */
  readonly answers: readonly string[]
  /** May be given besides: who met it first, or last. */
  readonly perhaps?: readonly string[]
  /** Health said one of these; none where it is over too soon to be seen for sure. */
  readonly health: readonly string[]
  readonly silenceMsMax: number
}

const UNREACHABLE = '503 DATABASE_UNREACHABLE'
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
    answers: [UNREACHABLE],
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
    perhaps: [UNREACHABLE],
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
      const seen = await office.during(() => fault.strike({ postgres, proxy }))
      report(t, seen)
      assertAnswers(office, seen, fault)
      await assertKept(seen, postgres.ask)
    })
  }
})

const MEGABYTE = 1024 ** 2
const DISK_BYTES = 400 * MEGABYTE
const canMount = process.getuid?.() === 0 && process.platform === 'linux'

test('a full disk: buyers are refused by name, health too, and it ends when there is room', {
  skip: canMount ? false : 'only root mounts a disk of its own',
}, async (t) => {
  const disk = join(tmpdir(), `admit-once-disk-${process.pid}`)
  await mkdir(disk)
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'admit-once-test', disk])
  after(async () => {
    execFileSync('umount', ['--lazy', disk])
    await rm(disk, { recursive: true, force: true })
  })
  const postgres = await makePostgres(disk)
  await postgres.start({ max_wal_size: '64MB', min_wal_size: '32MB', ...SETTINGS })
  const office = await openFaultOffice(postgres.url, postgres.url)
  const filler = join(disk, 'filler')
  const seen = await office.during(async () => {
    const { bavail, bsize } = await statfs(disk)
    await writeFile(filler, Buffer.alloc(bavail * bsize)).catch(() => undefined)
    await delay(2 * LASTS_MS)
    await rm(filler)
  })
  report(t, seen)
  assertAnswers(office, seen, {
    answers: ['503 DATABASE_FULL'],
    // PostgreSQL itself goes down where its write-ahead log finds no room.
    perhaps: [UNREACHABLE],
    health: ['503 DATABASE_FULL', UNREACHABLE],
    silenceMsMax: 2 * LASTS_MS + 15_000,
  })
  assert.match(office.output(), /"database_condition","condition":"DISK_FULL",.*No space left/)
  await assertKept(seen, postgres.ask)
})

function assertAnswers(
  office: FaultOffice,
  { answers, health, silenceMs }: Seen,
  { answers: must, perhaps = [], health: unwell, silenceMsMax }: Omit<Fault, 'name' | 'strike'>,
): void {
  assert.ok(office.isAlive(), office.output())
  const codes = [...answers.keys()].filter((code) => code !== '200')
  for (const code of must) assert.ok(codes.includes(code), `${code} is missing: ${codes}`)
  const others = codes.filter((code) => ![...must, ...perhaps].includes(code))
  assert.deepEqual(others, [], office.output().slice(-2_000))
  if (unwell.length > 0)
    assert.ok(
      [...health].some((code) => unwell.includes(code)),
      `health: ${[...health]}`,
    )
  assert.ok(silenceMs < silenceMsMax, `silence of ${silenceMs} ms`)
}

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
