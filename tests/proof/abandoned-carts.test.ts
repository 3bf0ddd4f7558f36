import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Client } from 'pg'
import { removeFixture } from '../../src/proof/fixtures/fixtures.ts'
import { checkNamed, guaranteeNamed, openTestRun, runStages, withoutProtections } from './support.ts'

const only = ['abandoned-carts']
const LIFETIME = `update ticketing.settings set hold_lifetime = '2 seconds'`

/** Carts of seconds: the operator's setting bounds what a buyer asks for. */
const hurry = (client: Client) => client.query(LIFETIME)

test('abandoned-carts is a PASS: what was left comes back and is sold', async () => {
  const run = await openTestRun({ only, change: hurry })
  const http = await runStages(run, 'http')
  assert.equal(http.verdict, 'PASS', JSON.stringify(http.checks, null, 1))
  const judgement = await runStages(run, 'judgement')
  assert.equal(judgement.verdict, 'PASS', JSON.stringify(judgement.checks, null, 1))
  assert.ok(await removeFixture(run.databases.main.client, 'abandoned-carts'))
})

test('carts that never end leave tickets unsold: FAIL, with a hold as witness', async () => {
  const decisions = guaranteeNamed('never-undersold').protections.filter(({ kind }) => kind === 'decision')
  const run = await openTestRun({
    only,
    change: async (client) => {
      await hurry(client)
      await withoutProtections(decisions)(client)
    },
  })
  const http = await runStages(run, 'http')
  const sold = checkNamed(http, 'tickets are sold in the end')
  assert.equal(sold.verdict, 'FAIL', JSON.stringify(http.checks, null, 1))
  assert.equal((sold.witness as { readonly status: string }).status, 'active')
  assert.equal(checkNamed(http, 'every cart that was left').verdict, 'FAIL')
  assert.match(checkNamed(http, 'every threshold').detail, /tickets_sold/)
})
