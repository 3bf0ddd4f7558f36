import assert from 'node:assert/strict'
import { chmod, mkdtemp, readdir, readFile, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { findPatroni } from '../../src/cli/find-patroni.ts'
import { openPatroni } from '../../src/cli/patroni.ts'
import { LEASE } from '../../src/cli/patroni-config.ts'
import { launch, newHome, nothingLeftOf } from './support.ts'

const found = await findPatroni()
const skip = 'lacks' in found ? found.lacks : false
const PREFIX = 'admit-once-patroni-'
const STARTS_MS_MAX = 120_000

describe('a cluster under Patroni', { concurrency: false, skip }, () => {
  for (const signal of ['SIGINT', 'SIGKILL'] as const)
    test(`${signal} while it is made: none of its processes is left, nor its folder`, async () => {
      const TMPDIR = await openFolder()
      const command = launch(['prove', 'failover-patroni'], { TMPDIR, ADMIT_ONCE_HOME: newHome() })
      await untilAllNodesRun(TMPDIR)
      command.signal(signal)
      await command.ended
      await nothingLeftOf(TMPDIR)
      assert.deepEqual(await clustersIn(TMPDIR), [])
    })

  test('a Patroni that ends by itself: it is said which, with the end of its log, and nothing is left', async () => {
    assert.ok(!('lacks' in found))
    const TMPDIR = await openFolder()
    const before = process.env['TMPDIR']
    process.env['TMPDIR'] = TMPDIR
    // It says the name of its configuration, and that is all.
    const tools = { ...found, patroni: '/bin/ls' }
    const replication = { isSynchronous: true, distanceMs: 0 }
    const { signal } = new AbortController()
    try {
      await assert.rejects(
        openPatroni({ tools, replication, signal }),
        /: node-1.* ended before 2 standbys stream, one of them synchronous\.\nThe end of what node-1 says:\n.*node-1\.json/,
      )
    } finally {
      if (before === undefined) delete process.env['TMPDIR']
      else process.env['TMPDIR'] = before
    }
    await nothingLeftOf(join(TMPDIR, PREFIX))
    assert.deepEqual(await clustersIn(TMPDIR), [])
  })
})

test('the cluster has the lease that the docs advise', async () => {
  const advice = await readFile('docs/operating/cells.md', 'utf8')
  for (const [name, seconds] of Object.entries(LEASE))
    assert.match(advice, new RegExp(`^ +${name}: ${seconds}$`, 'm'))
})

test('what a machine lacks is named with its package', async () => {
  const path = process.env['PATH']
  process.env['PATH'] = ''
  const { lacks } = (await findPatroni()) as { readonly lacks?: string }
  process.env['PATH'] = path
  assert.match(
    lacks ?? '',
    /^there is no Patroni, no etcd.* here: on Debian `apt-get install -y patroni etcd-server/,
  )
})

/** Folders for temporary files that any account may use, as the system's own. */
async function openFolder(): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'admit-once-test-')))
  after(() => rm(folder, { recursive: true, force: true }))
  await chmod(folder, 0o1777)
  return folder
}

async function clustersIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.startsWith(PREFIX))
}

/** Each node's PostgreSQL has written that it runs. */
async function untilAllNodesRun(folder: string): Promise<void> {
  for (const endMs = performance.now() + STARTS_MS_MAX; ; await delay(100)) {
    const files = await readdir(folder, { recursive: true }).catch(() => [])
    if (files.filter((name) => name.startsWith(PREFIX) && /\/postmaster\.pid$/.test(name)).length === 3)
      return
    assert.ok(performance.now() < endMs, 'the nodes do not start')
  }
}
