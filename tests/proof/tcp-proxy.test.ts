import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from '../../src/db/connection.ts'
import { testDatabase } from '../support/database.ts'
import { openProxy } from '../support/proxy.ts'

const db = await testDatabase(null)
await db.client.query('create table said (what text)')
const proxy = await openProxy(db.url)
const MEETS_MS_MAX = 10_000

for (const [when, isThere] of [
  ['before it arrives', false],
  ['after its answer', true],
] as const) {
  test(`a connection that is cut ${when}: its client hears nothing, and what it said is ${isThere ? '' : 'not '}there`, async () => {
    const client = await connect(proxy.through(db.url))
    const isCut = proxy.cutAt('magic', when, MEETS_MS_MAX)
    await client.query(`insert into said values ('other words')`)
    await assert.rejects(
      client.query(`insert into said values ('magic, ${when}')`),
      /ECONNRESET|Connection terminated/,
    )
    assert.equal(await isCut, true)
    const { rowCount } = await db.client.query('select from said where what = $1', [`magic, ${when}`])
    assert.equal(rowCount, isThere ? 1 : 0)
  })
}

test('a switch: who connects anew comes to the other one', async () => {
  const other = await openProxy(proxy.through(db.url))
  other.pointAt(proxy.port)
  const client = await connect(other.through(db.url))
  await proxy.die()
  await assert.rejects(client.query('select'), /ECONNRESET|Connection terminated/)
  other.pointAt(Number(new URL(db.url).port))
  const again = await connect(other.through(db.url))
  await again.query('select')
  await again.end()
  await proxy.heal()
})
