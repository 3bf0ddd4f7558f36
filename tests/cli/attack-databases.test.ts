import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { openAttackDatabases } from '../../src/cli/attack-databases.ts'
import { findMemoryFolder } from '../../src/embedded/memory.ts'
import { openTestRun } from '../proof/support.ts'

const NO_ROOM =
  (await findMemoryFolder(2 * 1024 ** 3)) === undefined && 'there is no folder in memory with room'

test('what is attacked is a PostgreSQL in memory, as installed, and leaves nothing behind', {
  skip: NO_ROOM,
}, async () => {
  const run = await openTestRun()
  const databases = await openAttackDatabases({ ...run, source: 'embedded' })
  const seen = await databases.withClone(async ({ url, client }) => {
    const { rows } = await client.query<{ folder: string; fsync: string; missing: number }>(
      `select current_setting('data_directory') as folder, current_setting('fsync') as fsync,
         (select count(*)::int from verify_protections() where not active) as missing`,
    )
    return { host: new URL(url).host, ...rows[0] }
  })
  assert.notEqual(seen.host, new URL(run.databases.main.url).host)
  assert.match(String(seen.folder), /^\/dev\/shm\//)
  assert.deepEqual([seen.fsync, seen.missing], ['on', 0])
  await databases.close()
  assert.ok(!existsSync(String(seen.folder)))
})

test('at DATABASE_URL what is attacked is on that server', async () => {
  const run = await openTestRun()
  const { withClone, close } = await openAttackDatabases({ ...run, source: 'DATABASE_URL' })
  const host = await withClone(async ({ url }) => new URL(url).host)
  assert.equal(host, new URL(run.databases.main.url).host)
  await close()
})

test('a folder in memory is one with room', async () => {
  assert.equal(await findMemoryFolder(Number.MAX_SAFE_INTEGER), undefined)
})
