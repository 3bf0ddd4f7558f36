import assert from 'node:assert/strict'
import { readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import pg from 'pg'
import { type Cluster, type EmbeddedOptions, startEmbedded } from '../../src/embedded/embedded.ts'
import { findPlace } from '../../src/embedded/place.ts'
import { eventually, readStatus } from '../../src/embedded/processes.ts'

const BACK_MS_MAX = 15_000

let folders = 0

async function start(options: Partial<EmbeddedOptions> = {}): Promise<Cluster> {
  const dataFolder = join(tmpdir(), `admit-once-restart-${process.pid}-${folders++}`)
  const cluster = await startEmbedded({ dataFolder, ...options })
  after(async () => {
    await cluster.stop()
    await rm(dataFolder, { recursive: true, force: true })
  })
  return cluster
}

test('killed with its keeper or without it, PostgreSQL is back on its port, with all that was committed', async () => {
  let restarts = 0
  const cluster = await start({ onRestart: () => restarts++ })
  await ask(cluster.url, 'create table sold (n int)')
  for (const [kills, whom] of [postmasterOf, keeperOf].entries()) {
    await ask(cluster.url, `insert into sold values (${kills})`)
    process.kill(await whom(cluster), 'SIGKILL')
    assert.ok(await eventually(BACK_MS_MAX, async () => restarts === kills + 1))
    assert.deepEqual(await ask(cluster.url, 'select count(*)::int as n from sold'), [{ n: kills + 1 }])
  }
})

test('what does not stay up is given up after five tries, and said', async () => {
  const cluster = await start()
  const { pgdata } = await findPlace(cluster.dataFolder)
  const postmaster = await postmasterOf(cluster)
  await rm(join(pgdata, 'global'), { recursive: true })
  process.kill(postmaster, 'SIGKILL')
  const lost = await cluster.lost
  assert.match(lost.message, /ended and does not stay up: PostgreSQL did not start/)
})

test('one that was stopped, or whose data went with it, is not started again', async () => {
  const cluster = await start()
  await cluster.stop()
  const ephemeral = await start({ ephemeral: true, onRestart: () => assert.fail('an empty one was started') })
  process.kill(await postmasterOf(ephemeral), 'SIGKILL')
  assert.match((await ephemeral.lost).message, /does not stay up/)
})

async function postmasterOf({ dataFolder }: Cluster): Promise<number> {
  return (await readStatus((await findPlace(dataFolder)).pgdata))?.pid ?? assert.fail('it does not run')
}

async function keeperOf(cluster: Cluster): Promise<number> {
  const stat = await readFile(`/proc/${await postmasterOf(cluster)}/stat`, 'utf8')
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
}

async function ask(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}
