import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import pg from 'pg'
import { findEmbedded } from '../../src/db/embedded.ts'
import { admitOne, newHome, nothingLeftOf, run, startOffice } from './support.ts'

test('start: open in one command, an order by the printed line, Ctrl-C in the middle of 200 loses nothing, the next start goes on', async (t) => {
  const home = newHome()
  const env = { ADMIT_ONE_HOME: home }
  const first = await startOffice(env)

  await t.test('it answers health-check, and says what it runs on', async () => {
    const health = await fetch(`${first.url}/functions/v1/health-check`, { method: 'POST' })
    assert.equal(health.status, 200)
    assert.match(first.output(), /PostgreSQL 18\.\d+ \(embedded\)/)
    assert.ok(!first.output().includes('\u001b'))
  })

  await t.test('the printed curl orders two tickets, and the same line again gets the same two', async () => {
    const line = /^ *(curl [\s\S]*?'\{[\s\S]*?\}')$/m.exec(first.output())?.[1] ?? ''
    if ((await run('sh', ['-c', 'command -v curl']).ended).code !== 0) {
      t.diagnostic('curl is not installed: its printed line was not run')
      return
    }
    const order = async () =>
      JSON.parse((await run('sh', ['-c', line.replace('curl', 'curl -sS')]).ended).stdout)
    const { orderId, isFree, success } = await order()
    assert.deepEqual({ isFree, success }, { isFree: true, success: true })
    assert.equal((await order()).orderId, orderId)
    assert.equal(await count(home, 'select count(*)::int from tickets where order_id = $1', [orderId]), 2)
  })

  await t.test('a second start on the same home is refused with 3 and says who is there', async () => {
    const second = await admitOne(['start', '--port', '0'], env)
    assert.deepEqual([second.code, second.stdout], [3, ''])
    assert.match(second.stderr, new RegExp(`^${join(home, 'postgres')} is in use by process \\d+\\.`))
  })

  let acknowledged: readonly string[] = []
  await t.test(
    'Ctrl-C in the middle of 200 orders: who was answered has a ticket, and nothing is left running',
    async () => {
      acknowledged = await orderUntil(first, 200, 20, () => first.signal('SIGINT'))
      const ended = await first.ended
      assert.deepEqual([ended.code, ended.stderr], [0, ''])
      assert.ok(acknowledged.length >= 20)
      await nothingLeftOf(home)
    },
  )

  const second = await startOffice(env)
  await t.test('the next start has the same keys and data, and no second demo event', async () => {
    assert.deepEqual([second.anonKey, second.secretKey], [first.anonKey, first.secretKey])
    assert.equal(await ticketsOf(home, acknowledged), acknowledged.length)
    assert.ok(!second.output().includes('demo event'))
    assert.equal((await admitOne(['check'], env)).code, 0)
  })

  await t.test(
    'kill -9 in the middle of 200 orders: who was answered has a ticket after the next start',
    async () => {
      const answered = await orderUntil(second, 200, 20, () => second.signal('SIGKILL'))
      assert.equal((await second.ended).code, null)
      await nothingLeftOf(home)
      // No server runs: the command starts the database for itself.
      const check = await admitOne(['check'], env)
      assert.deepEqual([check.code, check.stderr], [0, ''])
      await nothingLeftOf(home)
      const third = await startOffice(env)
      assert.equal(await ticketsOf(home, answered), answered.length)
      third.signal('SIGTERM', 'process')
      assert.equal((await third.ended).code, 0)
      await nothingLeftOf(home)
    },
  )
})

/** So many buyers at once; `strike` comes after the first answers. Gives the orders that were answered with success. */
async function orderUntil(
  { url, anonKey }: { readonly url: string; readonly anonKey: string },
  buyers: number,
  answers: number,
  strike: () => void,
): Promise<readonly string[]> {
  const acknowledged: string[] = []
  await Promise.all(
    Array.from({ length: buyers }, async (_, buyer) => {
      const body = {
        eventId: 'summer-night',
        items: [{ tierId: 'general-admission', quantity: 1 }],
        customerName: 'Ada',
        customerEmail: `ada-${buyer}@example.org`,
      }
      const order = await fetch(`${url}/functions/v1/create-ticket-checkout`, {
        method: 'POST',
        headers: { apikey: anonKey, 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      })
        .then(async (response) => (await response.json()) as { success: boolean; orderId: string })
        // The server is gone: nothing was promised.
        .catch(() => undefined)
      if (order?.success !== true) return
      acknowledged.push(order.orderId)
      if (acknowledged.length === answers) strike()
    }),
  )
  return acknowledged
}

function ticketsOf(home: string, orders: readonly string[]): Promise<number> {
  return count(home, 'select count(*)::int from tickets where order_id = any($1)', [orders])
}

async function count(home: string, sql: string, values: unknown[]): Promise<number> {
  const client = new pg.Client({ connectionString: await findEmbedded(join(home, 'postgres')) })
  await client.connect()
  try {
    return (await client.query<{ count: number }>(sql, values)).rows[0]?.count ?? -1
  } finally {
    await client.end()
  }
}
