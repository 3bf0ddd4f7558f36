import { randomBytes } from 'node:crypto'
import { after } from 'node:test'
import { type AppOptions, buildApp } from '../../src/api/app.ts'
import { openAuthenticator } from '../../src/api/authenticator.ts'
import { listen } from '../../src/api/listen.ts'
import { openPool } from '../../src/db/pool.ts'
import { openStripe } from '../../src/payments/provider.ts'
import { openStandIn } from '../../src/payments/stand-in.ts'
import { addTier, openBoxOffice, type TierOptions } from '../support/box-office.ts'
import { CODES } from '../support/codes.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'

export interface House {
  readonly url: string
  readonly db: TestDatabase
  /** Lines of the log: bugs and what is worth a look. */
  readonly logged: readonly string[]
  /** A published event of its own with a tier as asked; fees are 0.50 and 3 %. */
  event(tier?: TierOptions): Promise<{
    readonly eventId: string
    readonly slug: string
    readonly url: string
    readonly tierId: string
  }>
  /** Until every event of the stand-in was delivered. */
  delivered(): Promise<void>
  orders(slug: string): Promise<readonly { readonly status: string; readonly total_cents: string }[]>
}

/** A whole box office over real HTTP, with the stand-in of Stripe on its own port; closed when the test file is done. */
export async function openHouse(options: Pick<AppOptions, 'limits'> = {}): Promise<House> {
  const db = await testDatabase()
  const database = await openPool(db.url, { max: 6, name: 'web-test' })
  const secretKey = `sk_test_${randomBytes(8).toString('hex')}`
  const webhookSecret = `whsec_${randomBytes(8).toString('hex')}`
  const logged: string[] = []
  let url = ''
  const standIn = await openStandIn({
    secretKey,
    webhookSecret,
    publicUrl: () => url,
    webhookUrl: () => `${url}/functions/v1/stripe-webhook`,
  })
  const apiUrl = 'http://stand-in/api.stripe.com'
  const app = buildApp({
    ...options,
    database,
    authenticator: await openAuthenticator('a secret for tests with at least 32 characters'),
    codes: CODES,
    payments: openStripe({ secretKey, webhookSecret, apiUrl, fetch: standIn.fetch }),
    mounts: new Map(['checkout.stripe.com', 'stand-in'].map((segment) => [segment, standIn.fetch] as const)),
    log: (line) => logged.push(line),
  })
  const listening = await listen(app)
  url = listening.url
  after(async () => {
    await listening.close()
    await standIn.close()
    await database.close()
  })
  return {
    url,
    db,
    logged,
    event: async (tier = {}) => {
      const { eventId, eventSlug } = await openBoxOffice(db)
      await db.rows('update events set fee_fixed_cents = 50, fee_basis_points = 300 where id = $1', [eventId])
      const tierId = await addTier(db, eventId, { priceCents: 2500, ...tier })
      return { eventId, slug: eventSlug, url: `${url}/events/${eventSlug}`, tierId }
    },
    delivered: async () => {
      const idle = await fetch(`${url}/stand-in/deliveries?wait=idle&seconds=10`, {
        headers: { authorization: `Bearer ${secretKey}` },
      })
      if (!idle.ok) throw new Error(`the stand-in does not come to rest: ${await idle.text()}`)
    },
    orders: (slug) =>
      db.rows(
        'select o.status, o.total_cents from orders o join events e on e.id = o.event_id where e.slug = $1',
        [slug],
      ),
  }
}
