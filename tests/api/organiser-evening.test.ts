import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { it } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { createClient } from '@supabase/supabase-js'
import { openPool } from '../../src/db/pool.ts'
import { cancelEventsOnce, refundOnce } from '../../src/jobs/jobs.ts'
import { assertLawful } from '../support/callers.ts'
import { JWT_SECRET } from './scratch.ts'
import { openShop } from './shop.ts'

const page = readFileSync('docs/organiser.md', 'utf8')
const blocks = [...page.matchAll(/^```js\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text)

/** A tier as the dashboard hears of it. */
interface Tier {
  readonly name: string
  readonly sold_quantity: number
  readonly reserved_quantity: number
}

/** What the page's lines found. */
interface Evening {
  readonly signedUp: { readonly user: { readonly id: string } }
  readonly business: { readonly id: string; readonly slug: string }
  readonly tiers: readonly unknown[]
  readonly moves: readonly Tier[]
  readonly sold: readonly unknown[]
  readonly orders: readonly { readonly id: string }[]
  readonly tooLow: { readonly message: string }
  readonly tickets: readonly { readonly id: string }[]
  readonly first: { readonly outcome: string }
  readonly again: { readonly outcome: string; readonly alreadyUsed: boolean }
  readonly scans: readonly unknown[]
  readonly refund: { readonly success: boolean; readonly status: string }
  readonly byHand: { readonly message: string; readonly hint: string }
  readonly cancelled: { readonly success: boolean }
  readonly progress: { readonly done: boolean; readonly failed: number }
  readonly after: readonly unknown[]
}
const NAMES =
  'signedUp business tiers moves sold orders tooLow tickets first again scans refund byHand cancelled progress after'

it("an organiser's evening, as docs/organiser.md tells it, with supabase-js alone", async () => {
  assert.equal(blocks.length, 9)
  const shop = await openShop({}, { auth: { secret: JWT_SECRET } }, { realtime: {} })
  const { server, db } = shop
  const pay = async (url: string) => {
    await shop.pay(url)
    await shop.delivered()
  }
  await using pool = await openPool(db.url, { max: 2, name: 'organiser-evening' })
  // The server's, after what the provider still had to say: an order that its event is at is left to them.
  const jobs = async () => {
    await shop.delivered()
    await cancelEventsOnce(pool)
    await refundOnce(pool, shop.payments, () => {})
    await shop.delivered()
  }
  const lines = blocks
    .map((text) => text.replace(/^import .*$/m, ''))
    .map((text) => (text.includes('pays at checkout.url') ? `${text}\nawait pay(checkout.url)` : text))
    .map((text) => (text.includes('data: progress') ? `await jobs()\n${text}` : text))
    .map((text) => text.replace('await organiser.realtime.disconnect', 'await heard(moves)\n$&'))
  const AsyncFunction = (async () => {}).constructor as new (
    ...text: string[]
  ) => (...given: unknown[]) => Promise<Evening>
  const run = new AsyncFunction(
    'createClient',
    'SUPABASE_URL',
    'SUPABASE_ANON_KEY',
    'pay',
    'jobs',
    'heard',
    `${lines.join('\n')}\nreturn { ${NAMES.replaceAll(' ', ', ')} }`,
  )
  const evening = await run(
    (url: string, key: string) =>
      createClient(url, key, { auth: { persistSession: false, autoRefreshToken: false } }),
    server.url,
    server.authenticator.keys.anon,
    pay,
    jobs,
    heard,
  )
  const { rows } = await db.client.query(
    'select user_id, role from business_staff where business_id = $1 order by role desc',
    [evening.business.id],
  )
  assert.deepEqual([rows.length, rows[0]], [2, { user_id: evening.signedUp.user.id, role: 'owner' }])
  assert.equal(evening.business.slug, 'blue-hall')
  assertSold(evening)
  assertMoved(evening)
  assertGivenBack(evening)
  await assertLawful(db)
})

/** Waits until the dashboard heard that all of it is given back. */
async function heard(moves: readonly Tier[]): Promise<void> {
  for (let i = 0; i < 500 && moves.findLast(({ name }) => name === 'Floor')?.sold_quantity !== 0; i++) {
    await setTimeout(20)
  }
}

function assertSold({ tiers, sold, orders, tooLow, tickets, first, again, scans }: Evening): void {
  assert.equal(tiers.length, 2)
  assert.deepEqual(sold, [
    { name: 'Balcony', sold_quantity: 1, reserved_quantity: 0 },
    { name: 'Floor', sold_quantity: 2, reserved_quantity: 0 },
  ])
  assert.deepEqual(
    orders.map(({ id, ...order }) => order),
    [
      {
        status: 'paid',
        total_cents: 9000,
        customer_name: 'Ada',
        order_items: [
          { quantity: 2, ticket_tiers: { name: 'Floor' } },
          { quantity: 1, ticket_tiers: { name: 'Balcony' } },
        ],
      },
    ],
  )
  assert.match(tooLow.message, /CAPACITY_IN_USE: 2 are sold/)
  assert.equal(tickets.length, 3)
  assert.deepEqual([first.outcome, again.outcome, again.alreadyUsed], ['ADMITTED', 'ALREADY_USED', true])
  assert.equal(scans.length, 2)
}

/** Each step of the sale was heard: held, then sold; and at last all of it given back. */
function assertMoved({ moves }: Evening): void {
  const stepsOf = (tier: string) =>
    moves.flatMap(({ name, ...at }) => (name === tier ? [`${at.reserved_quantity}/${at.sold_quantity}`] : []))
  const steps = stepsOf('Floor')
  assert.deepEqual([steps[0], steps.includes('0/2'), steps.at(-1)], ['2/0', true, '0/0'], steps.join(' '))
  assert.ok(stepsOf('Balcony').includes('0/1'))
}

function assertGivenBack({ refund, byHand, cancelled, progress, after }: Evening): void {
  assert.deepEqual([refund.success, refund.status], [true, 'succeeded'])
  assert.match(`${byHand.message} ${byHand.hint}`, /CANCEL_BY_FUNCTION.*cancel-event/)
  assert.equal(cancelled.success, true)
  assert.deepEqual([progress.done, progress.failed], [true, 0])
  assert.deepEqual(after, [{ status: 'refunded', event: { status: 'cancelled' } }])
}
