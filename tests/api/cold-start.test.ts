import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openCatalogue } from '../../src/api/rest/catalogue.ts'
import { openPool } from '../../src/db/pool.ts'
import { testDatabase } from '../support/database.ts'
import { ask, serve } from './scratch.ts'

test('what was read of the schema before a server opens is not read again by its first caller', async () => {
  const { url } = await testDatabase()
  const aside = await openPool(url, { max: 1, name: 'catalogue' })
  const catalogue = openCatalogue(aside)
  await catalogue.relations()
  // Whoever asked it again would be told PGRST002.
  await aside.close()
  await using server = await serve(url, { app: { catalogue } })
  const held = await ask(server, '/rest/v1/rpc/release_ticket_holds', { body: { p_session_id: 'nobody' } })
  assert.equal(held.status, 200, held.text)
})

test('and one that was never read is read by the first caller', async () => {
  const { url } = await testDatabase()
  const gone = await openPool(url, { max: 1, name: 'catalogue' })
  await gone.close()
  await using server = await serve(url, { app: { catalogue: openCatalogue(gone) } })
  const { status } = await ask(server, '/rest/v1/rpc/release_ticket_holds', {
    body: { p_session_id: 'nobody' },
  })
  assert.notEqual(status, 200)
})
