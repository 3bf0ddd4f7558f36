import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { after, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { connectionsTo, openHosts, urlOf } from '../../src/db/connection.ts'
import { DatabaseError } from '../../src/db/failures.ts'
import { type Database, millisecondsOf, openPool } from '../../src/db/pool.ts'
import { openWatch } from '../../src/db/watch.ts'
import { testDatabase } from '../support/database.ts'
import { openProxy } from '../support/proxy.ts'

const db = await testDatabase()
const proxy = await openProxy(db.url)
const name = new URL(db.url).pathname.slice(1)

/** What the statement timeout and the margin after it add up to, and a busy machine. */
const NOTICED_MS_MAX = 12_000

async function pool(url = proxy.through(db.url), max = 2): Promise<Database> {
  const database = await openPool(url, { max, name: 'conditions' })
  after(() => database.close())
  return database
}

async function codeOf(answer: Promise<unknown>): Promise<string> {
  const error = await answer.then(
    () => 'answered',
    (thrown: unknown) => thrown,
  )
  return error instanceof DatabaseError ? error.code : String(error)
}

describe('a connection that ends', { concurrency: false }, () => {
  it('after any byte of the conversation is a failure of one call, and nothing that nobody awaits', async () => {
    const said = new Map<string, number>()
    for (let bytes = 0; bytes < 1_800; bytes += 25) {
      proxy.cutAfter(bytes)
      const code = await codeOf(
        openPool(proxy.through(db.url), { max: 1, name: 'cut' }).then(async (database) => {
          try {
            await database.run('select 1')
            await database.run('begin; select 2; commit')
          } finally {
            await database.close()
          }
        }),
      )
      said.set(code, (said.get(code) ?? 0) + 1)
    }
    await proxy.heal()
    assert.deepEqual(
      [...said.keys()].sort(),
      ['CONNECTION_LOST', 'UNREACHABLE', 'answered'],
      String([...said]),
    )
  })

  it('while it is idle, while it works and while it is opened: the next call opens another', async () => {
    const database = await pool()
    assert.equal(await codeOf(database.run('select 1')), 'answered')
    proxy.cut()
    await delay(50)
    assert.equal(await codeOf(database.run('select 1')), 'answered')
    const asleep = codeOf(database.run('select pg_sleep(30)'))
    await untilBusy('pg_sleep')
    await endBackends()
    assert.equal(await asleep, 'CONNECTION_LOST')
    await proxy.die()
    assert.equal(await codeOf(database.run('select 1')), 'UNREACHABLE')
    await proxy.heal()
    assert.equal(await codeOf(database.run('select 1')), 'answered')
  })

  it('whose packets vanish is noticed within 12 s, and no other of its age is used after it', async () => {
    const database = await pool()
    await Promise.all([database.run('select pg_sleep(0.1)'), database.run('select pg_sleep(0.1)')])
    proxy.blackHole()
    const startedMs = performance.now()
    assert.equal(await codeOf(database.run('select 1')), 'TIMED_OUT')
    assert.ok(performance.now() - startedMs < NOTICED_MS_MAX)
    const againMs = performance.now()
    assert.equal(await codeOf(database.run('select 1')), 'answered')
    assert.ok(performance.now() - againMs < 2_000, 'the other one is used')
  })

  it('is asked for no longer than one host may take, where new ones vanish too', async () => {
    const database = await pool()
    proxy.blackHole(true)
    proxy.cut()
    await delay(50)
    const startedMs = performance.now()
    assert.equal(await codeOf(database.run('select 1')), 'UNREACHABLE')
    assert.ok(performance.now() - startedMs < 9_000)
    await proxy.heal()
    assert.equal(await codeOf(database.run('select 1')), 'answered')
  })
})

it('a pool whose database hangs ends, and lets its process end', async () => {
  await proxy.heal()
  const child = spawn(process.execPath, ['--input-type=module', '-e', HANGS], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const ended = once(child, 'exit')
  after(() => child.kill('SIGKILL'))
  await once(child, 'message')
  proxy.blackHole()
  child.send('close')
  assert.deepEqual(await Promise.race([ended, delay(ENDS_MS_MAX, 'is alive')]), [0, null])
})

const ENDS_MS_MAX = 10_000

const HANGS = `
  import { openPool } from '${new URL('../../src/db/pool.ts', import.meta.url)}'
  const pool = await openPool('${proxy.through(db.url)}', { max: 2, name: 'hangs' })
  await Promise.all([pool.run('select pg_sleep(0.1)'), pool.run('select pg_sleep(0.1)')])
  process.once('message', async () => {
    await pool.close()
    process.disconnect()
  })
  process.send('open')`

describe('a database that takes no writes', { concurrency: false }, () => {
  const write = 'create table public.written (); drop table public.written'

  it('is refused when it is opened, and when it becomes so no connection from before is kept', async () => {
    const database = await pool(db.url)
    await Promise.all([database.run('select pg_sleep(0.1)'), database.run('select pg_sleep(0.1)')])
    await db.client.query(`alter database ${name} set default_transaction_read_only = on`)
    try {
      assert.equal(await codeOf(pool(db.url)), 'READ_ONLY')
      assert.equal(await codeOf(database.run(write)), 'answered', 'sessions from before go on')
      const readOnly = database.run('set transaction read only; create table public.written ()')
      assert.equal(await codeOf(readOnly), 'READ_ONLY')
      assert.equal(await codeOf(database.run(write)), 'READ_ONLY', 'one from before is used')
      const asked = database.run('set transaction read only; create table public.written ()', {
        readOnly: true,
      })
      assert.notEqual(await codeOf(asked), 'answered')
    } finally {
      await db.client.query(`alter database ${name} reset default_transaction_read_only`)
    }
    assert.equal(await codeOf(database.run(write)), 'answered')
  })

  it('may be one that only reads, for who only reads', async () => {
    await db.client.query(`alter database ${name} set default_transaction_read_only = on`)
    try {
      const database = await openPool(db.url, { max: 1, name: 'reads', readOnly: true })
      await database.close()
    } finally {
      await db.client.query(`alter database ${name} reset default_transaction_read_only`)
    }
  })
})

describe('several hosts', () => {
  it('are tried in turn: one that is not there, one that reads only, one that writes', async () => {
    const { username, password, port } = new URL(db.url)
    const several = `postgres://${username}:${password}@127.0.0.1:1,127.0.0.1:${port}/${name}`
    const database = await pool(several)
    assert.equal(await codeOf(database.run('select 1')), 'answered')
    const back = await openProxy(db.url)
    const front = await openProxy(db.url)
    const two = `postgres://${username}:${password}@127.0.0.1:${front.port},127.0.0.1:${back.port}/${name}`
    const moving = await pool(two)
    for (const dead of [front, back, front]) {
      await dead.die()
      const codes = [await codeOf(moving.run('select 1')), await codeOf(moving.run('select 1'))]
      assert.equal(codes.at(-1), 'answered', String(codes))
      await dead.heal()
    }
  })

  it('one of which refuses while all connections to it are stale: the same call is answered by the other', async () => {
    const { username, password } = new URL(db.url)
    const [front, back] = [await openProxy(db.url), await openProxy(db.url)]
    const hosts = `127.0.0.1:${front.port},127.0.0.1:${back.port}`
    const database = await pool(`postgres://${username}:${password}@${hosts}/${name}`, 4)
    await Promise.all(Array.from({ length: 4 }, () => database.run('select pg_sleep(0.2)')))
    front.blackHole()
    front.refuse()
    assert.equal(await codeOf(database.run('select 1')), 'TIMED_OUT')
    assert.equal(await codeOf(database.run('select 1')), 'answered')
  })

  it('that changed while a call was late: its connection is judged by its own', () => {
    const hosts = openHosts('postgres://ada@one:1,two:2/x')
    const client = new (connectionsTo(hosts))({})
    hosts.leave(hosts.url())
    assert.match(hosts.url(), /two/)
    assert.match(urlOf(client) ?? '', /one/)
  })

  it('none of which is there are one failure, which names no password', async () => {
    const error = await pool('postgres://ada:secret@127.0.0.1:1,127.0.0.1:2/x').catch(
      (thrown: unknown) => thrown,
    )
    assert.ok(error instanceof DatabaseError && error.code === 'UNREACHABLE')
    assert.doesNotMatch(error.message, /secret/)
  })
})

it('a condition is named in the log when it begins and every ten seconds that it lasts', () => {
  const lines: string[] = []
  let nowMs = 0
  const watch = openWatch(
    (level, event, facts) => lines.push(`${level} ${event} ${facts?.['condition']} ${facts?.['failures']}`),
    () => nowMs,
  )
  after(() => watch.stop())
  const full = new DatabaseError('DISK_FULL', 'no space left')
  for (nowMs = 0; nowMs <= 20_000; nowMs += 1_000) watch.failed(full)
  assert.deepEqual(lines, [
    'error database_condition DISK_FULL 1',
    'error database_condition DISK_FULL 11',
    'error database_condition DISK_FULL 21',
  ])
  watch.failed(new DatabaseError('NO_RIGHTS', 'yours to mend'))
  assert.equal(lines.length, 3)
})

it('what kept buyers out is known for five seconds; one call that was unlucky, and who only looks, is not', () => {
  let nowMs = 0
  const watch = openWatch(
    () => {},
    () => nowMs,
  )
  after(() => watch.stop())
  const met = (code: DatabaseError['code'], tells: Pick<typeof watch, 'failed'> = watch) => {
    tells.failed(new DatabaseError(code, 'met'))
    return watch.suffers()
  }
  assert.equal(met('CONNECTION_LOST'), undefined)
  assert.equal(met('COMMIT_UNCONFIRMED'), undefined)
  assert.equal(met('POOL_EXHAUSTED', watch.aside), undefined)
  assert.equal(met('POOL_EXHAUSTED'), 'POOL_EXHAUSTED')
  assert.equal(met('CONNECTIONS_USED_UP'), 'CONNECTIONS_USED_UP', 'the cause is named')
  nowMs = 4_999
  assert.equal(watch.suffers(), 'CONNECTIONS_USED_UP')
  nowMs = 5_000
  assert.equal(watch.suffers(), undefined)
})

it('lengths of time are read as PostgreSQL writes them', () => {
  for (const [text, ms] of [
    ['8000', 8_000],
    ['8s', 8_000],
    ['120ms', 120],
    ['2min', 120_000],
    ['0', undefined],
    ['soon', undefined],
  ] as const)
    assert.equal(millisecondsOf(text), ms, text)
})

const BUSY_MS_MAX = 10_000

async function untilBusy(words: string): Promise<void> {
  for (const endMs = performance.now() + BUSY_MS_MAX; performance.now() < endMs; await delay(20)) {
    const busy = await db.rows(
      `select from pg_stat_activity where application_name = 'conditions' and state = 'active' and query like $1`,
      [`%${words}%`],
    )
    if (busy.length > 0) return
  }
  assert.fail('no call is at work')
}

async function endBackends(): Promise<void> {
  await db.rows(
    `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'conditions' and datname = current_database()`,
  )
}
