import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it, test } from 'node:test'
import { promisify } from 'node:util'
import { openShop, type Shop, SPELLINGS, signed } from '../api/shop.ts'
import { addTier, type BoxOffice, openBoxOffice } from '../support/box-office.ts'
import { soldTicket } from '../support/door.ts'
import { freePort } from '../support/free-port.ts'
import { haproxy, noHaproxy, startHaproxy } from '../support/haproxy.ts'

/** A version 7 id of 2025, whose bits look like those of cell 7. */
const OLDER = '0195f2a0-0000-7007-8000-00000000000'
const STEP_MS = 65_536

describe('two cells behind HAProxy, by the example as it is', { skip: noHaproxy }, async () => {
  if (noHaproxy) return
  const url = `http://127.0.0.1:${await freePort()}`
  const webhookUrl = () => `${url}/functions/v1/stripe-webhook`
  const first = await openShop({ webhookUrl })
  const second = await openShop({ webhookUrl })
  await second.db.rows('update ticketing.settings set cell = 7')
  const cells = [
    { name: 'the first, which is older than its cells', shop: first, other: second, house: first.house },
    { name: 'cell 7', shop: second, other: first, house: await openBoxOffice(second.db) },
  ] as const
  const since = Math.floor(Date.now() / STEP_MS) - 10
  const environment = {
    BIND: new URL(url).host,
    CELL_000: new URL(first.server.url).host,
    CELL_007: new URL(second.server.url).host,
  }
  const names = () => ({ [cells[1].house.eventSlug]: '007' })
  let proxy: AsyncDisposable | undefined
  before(async () => {
    proxy = await startHaproxy(url, { ...environment, CELLS_SINCE: String(since) }, names)
  })
  after(() => proxy?.[Symbol.asyncDispose]())

  for (const { name, shop, other, house } of cells)
    describe(name, () => {
      const call = callsAt(url, shop)
      const only = async (sql: string, id: unknown) => {
        const count = (at: Shop) => at.db.value<string>(`select count(*) from ${sql} = $1`, [id])
        assert.deepEqual([await count(shop), await count(other)], ['1', '0'], sql)
      }

      for (const [spelling, spell] of Object.entries(SPELLINGS))
        it(`${spelling} sells there, and the page of the order opens`, async () => {
          const tier = await addTier(shop.db, house.eventId)
          const { status, body } = await call(spelling, spell(house.eventId, tier, 1))
          assert.equal(status, 200, JSON.stringify(body))
          const id = body['orderId'] ?? body['order_id']
          await only('orders where id', id)
          const secret = await shop.db.value('select secret from orders where id = $1', [id])
          assert.equal((await fetch(`${url}/orders/${id}/${secret}`)).status, 200)
          const session = body['sessionId'] ?? `free_${id}_${secret}`
          assert.equal(
            (await call('checkout-session-status', { sessionId: session })).body['status'],
            'complete',
          )
        })

      it('the page of its event opens, by its slug', async () => {
        const page = await fetch(`${url}/events/${house.eventSlug}`)
        assert.equal(page.status, 200)
        assert.match(await page.text(), /Gala/)
      })

      it('a payment is told to it, and its refund', async () => {
        const tier = await addTier(shop.db, house.eventId, { priceCents: 2000 })
        const spell = SPELLINGS['create-ticket-checkout'] ?? assert.fail()
        const { body } = await call('create-ticket-checkout', spell(house.eventId, tier, 1))
        await shop.pay(String(body['url']))
        await shop.delivered()
        const state = 'select status from orders where id = $1'
        assert.equal(await shop.db.value(state, [body['orderId']]), 'paid')
        await only('webhook_events where type = $$checkout.session.completed$$ and order_id', body['orderId'])
        const session = 'select session_id from ticketing.checkout_sessions where order_id = $1'
        const sessionId = await shop.db.value(session, [body['orderId']])
        const told = await call('checkout-session-status', { sessionId, orderId: body['orderId'] })
        assert.equal(told.body['status'], 'complete')
        const manager = await shop.tokenOf(await ownerOf(shop, house))
        const refunded = await call('process-refund', { orderId: body['orderId'] }, manager)
        assert.equal(refunded.body['success'], true, JSON.stringify(refunded.body))
      })

      it('what names nothing reaches it by its own endpoint', async () => {
        const event = JSON.stringify({
          id: `evt_${name}`,
          type: 'charge.dispute.created',
          data: { object: {} },
        })
        const cell = shop === first ? '000' : '007'
        const response = await fetch(`${url}/cells/${cell}/functions/v1/stripe-webhook`, {
          method: 'POST',
          headers: { 'stripe-signature': signed(event), 'content-type': 'application/json' },
          body: event,
        })
        assert.equal(response.status, 200)
        await only('webhook_events where id', `evt_${name}`)
      })

      it('a gate lets in there, and keeps its list', async () => {
        const shown = await soldTicket(shop.db, house)
        const qrData = shop.codes.token('ticket', shown.scopeId, shown.code)
        const staff = await shop.tokenOf(house.staffId)
        const scan = { qrData, businessId: house.businessId, eventId: house.eventSlug, scanId: 'one' }
        assert.equal((await call('validate-qr', scan, staff)).body['outcome'], 'ADMITTED')
        await only('scan_logs where ticket_id', shown.id)
        const list = await fetch(`${url}/functions/v1/gate-list?event=${house.eventId}`, {
          headers: { ...staff, apikey: shop.server.authenticator.keys.anon },
        })
        assert.equal(list.status, 200)
        const undone = await call(
          'undo-scan',
          { ticketId: shown.id, scanId: 'one', reason: 'a mistake' },
          staff,
        )
        assert.equal(undone.body['success'], true, JSON.stringify(undone.body))
      })

      it('RPC holds, adds and gives back there', async () => {
        const tier = await addTier(shop.db, house.eventId)
        const rpc = callsAt(url, shop, '/rest/v1/rpc/')
        const one = await rpc('reserve_tickets_atomically', { p_tier_id: tier, p_quantity: 1 })
        assert.equal(one.body['success'], true)
        const reservations = [{ tier_id: tier, quantity: 1 }]
        const more = await rpc('reserve_tickets_batch', { p_reservations: reservations })
        assert.equal(more.body['success'], true)
        const given = await rpc('release_ticket_holds', { p_session_id: more.body['session_id'] })
        assert.equal(given.body['released'], 1)
      })
    })

  describe('an id of before the cells', () => {
    const spell = SPELLINGS['create-ticket-checkout'] ?? assert.fail()
    let tierId = ''
    before(async () => {
      await first.db.rows(
        `insert into events (id, business_id, slug, title, start_at, end_at, status)
         select $1, $2, 'older', 'Older', now() + interval '1 day', now() + interval '2 days', 'published'`,
        [`${OLDER}1`, first.house.businessId],
      )
      tierId = await addTier(first.db, `${OLDER}1`)
    })

    it('is the first installation’s, though it looks like one of another cell', async () => {
      const { status } = await callsAt(url, first)('create-ticket-checkout', spell(`${OLDER}1`, tierId, 1))
      assert.equal(status, 200)
      await first.db.rows(`update ticketing.settings set cells_since = to_timestamp($1)`, [
        (since * STEP_MS) / 1000,
      ])
      assert.equal(await first.db.value('select ticketing.cell_of($1)', [`${OLDER}1`]), null)
    })

    it('is lost by the naive twin, which believes its bits', async () => {
      const twinUrl = `http://127.0.0.1:${await freePort()}`
      const believing = { ...environment, BIND: new URL(twinUrl).host, CELLS_SINCE: '0' }
      const twin = await startHaproxy(twinUrl, believing, () => ({}))
      try {
        const lost = await callsAt(twinUrl, first)('create-ticket-checkout', spell(`${OLDER}1`, tierId, 1))
        assert.deepEqual([lost.status, lost.body['code']], [404, 'EVENT_NOT_FOUND'])
        // Nor does it know whose slug that is.
        assert.equal((await fetch(`${twinUrl}/events/${cells[1].house.eventSlug}`)).status, 404)
      } finally {
        await twin[Symbol.asyncDispose]()
      }
    })
  })
})

test('the way to the primary that the page shows is one that HAProxy takes', {
  skip: noHaproxy,
}, async () => {
  const page = await readFile('docs/operating/cells.md', 'utf8')
  const [, shown = ''] = /^```haproxy\n([\s\S]*?)^```/m.exec(page) ?? []
  assert.match(shown, /shutdown-sessions/)
  const folder = await mkdtemp(join(tmpdir(), 'admit-once-haproxy-'))
  try {
    const file = join(folder, 'haproxy.cfg')
    await writeFile(file, shown)
    await promisify(execFile)(haproxy, ['-c', '-f', file])
  } finally {
    await rm(folder, { recursive: true })
  }
})

/** Calls a function, or an RPC, by the proxy, with the anon key of the cells: they have one JWT_SECRET. */
function callsAt(url: string, { server }: Shop, path = '/functions/v1/') {
  return async (name: string, body: object, headers: Readonly<Record<string, string>> = {}) => {
    const response = await fetch(`${url}${path}${name}`, {
      method: 'POST',
      headers: { apikey: server.authenticator.keys.anon, 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
    return { status: response.status, body: (await response.json()) as Readonly<Record<string, unknown>> }
  }
}

const ownerOf = (shop: Shop, { businessId }: BoxOffice) =>
  shop.db.value<string>(
    `insert into business_staff (business_id, user_id, role) values ($1, gen_random_uuid(), 'owner') returning user_id`,
    [businessId],
  )
