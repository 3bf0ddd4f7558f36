import { type Context, Hono } from 'hono'
import { z } from 'zod'
import { presents } from './authority.ts'
import { readText } from './body.ts'
import { rollDice } from './chaos.ts'
import { readBooks } from './ledger.ts'
import { closeDispute, openDispute, refundPayment, settleRefund } from './money.ts'
import { resourceMissing, StripeRefusal } from './refusal.ts'
import { objectOf, type Runtime } from './runtime.ts'

/** Larger requests are refused. */
const BODY_BYTES_MAX = 10_000
/** The longest that a caller may wait for the deliveries. */
const WAIT_S_MAX = 60
/** How far the clock moves at once: longer than anything lives. */
const ADVANCE_S_MAX = 366 * 24 * 3_600

const share = z.number().min(0).max(1)
const chaosBody = z.strictObject({
  seed: z.int(),
  duplicates: z.int().min(1).max(100),
  delayMs: z.number().min(0).max(3_600_000),
  lostAnswers: share,
  lostEvents: share.default(0),
  rateLimited: share.default(0),
})
const refundBody = z.strictObject({ payment_intent: z.string(), amount: z.int().min(1).optional() })
const disputeBody = z.strictObject({ payment_intent: z.string() })
const closeBody = z.strictObject({ won: z.boolean() })
const clockBody = z.strictObject({ advance_seconds: z.number().min(-ADVANCE_S_MAX).max(ADVANCE_S_MAX) })
const nextRefundBody = z.strictObject({ outcome: z.enum(['refused', 'pending', 'lost']) })
const waitQuery = z.object({
  wait: z.literal('idle').optional(),
  seconds: z.coerce.number().min(0).max(WAIT_S_MAX).default(10),
})

/** `/stand-in/…`: what a person does in Stripe's dashboard, and what only a stand-in can do. Needs the secret key. */
export function openControl(runtime: Runtime, secretKey: string): Hono {
  const app = new Hono().basePath('/stand-in')
  app.use(async (c, next) => {
    if (presents(c.req.raw, secretKey)) return next()
    return c.json({ error: { message: 'Send the stand-in’s secret key as a bearer token.' } }, 401)
  })
  app.get('/ledger', (c) => {
    const books = readBooks(runtime)
    return c.json({ agrees: books.disagreements.length === 0, ...books })
  })
  addDeliveries(app, runtime)
  app.post('/clock', async (c) => {
    const { advance_seconds } = clockBody.parse(await bodyOf(c))
    runtime.record({ is: 'clock', offset: Math.max(0, runtime.clock.offset + advance_seconds * 1000) })
    return c.json({ now: runtime.clock.seconds(), ahead_seconds: runtime.clock.offset / 1000 })
  })
  app.post('/chaos', async (c) => {
    const chaos = chaosBody.nullable().parse(await bodyOf(c))
    runtime.dice = rollDice(chaos ?? undefined)
    return c.json({ chaos })
  })
  app.post('/next-refund', async (c) => {
    runtime.nextRefunds.push(nextRefundBody.parse(await bodyOf(c)).outcome)
    return c.json({ next: runtime.nextRefunds })
  })
  app.post('/refunds', async (c) => {
    const { payment_intent, amount = null } = refundBody.parse(await bodyOf(c))
    const order = { amount, reason: null, metadata: {}, course: null } as const
    return c.json(objectOf(runtime, refundPayment(runtime, paymentOf(runtime, payment_intent), order, null)))
  })
  app.post('/refunds/:id/:end{fail|succeed}', (c) => {
    const id = c.req.param('id')
    const refund = runtime.store.refunds.get(id)
    if (refund === undefined) throw resourceMissing('refund', id, 'refund', 404)
    const status = c.req.param('end') === 'fail' ? 'failed' : 'succeeded'
    return c.json(objectOf(runtime, settleRefund(runtime, refund, status)))
  })
  app.post('/disputes', async (c) => {
    const { payment_intent } = disputeBody.parse(await bodyOf(c))
    return c.json(objectOf(runtime, openDispute(runtime, paymentOf(runtime, payment_intent))))
  })
  app.post('/disputes/:id/close', async (c) => {
    const dispute = runtime.store.disputes.get(c.req.param('id'))
    if (dispute === undefined) throw resourceMissing('dispute', c.req.param('id'), 'dispute', 404)
    const { won } = closeBody.parse(await bodyOf(c))
    return c.json(objectOf(runtime, closeDispute(runtime, dispute, won)))
  })
  app.notFound((c) => c.json({ error: { message: `There is no ${c.req.method} ${c.req.path}.` } }, 404))
  app.onError((error, c) => {
    if (error instanceof StripeRefusal) return Response.json({ error: error.body }, { status: error.status })
    if (error instanceof z.ZodError) return c.json({ error: { message: z.prettifyError(error) } }, 400)
    throw error
  })
  return app
}

function addDeliveries(app: Hono, runtime: Runtime): void {
  app.get('/deliveries', async (c) => {
    const { wait, seconds } = waitQuery.parse(c.req.query())
    const idle = await runtime.deliveries.idle(wait === 'idle' ? seconds * 1000 : 0)
    return c.json({ idle, ...runtime.deliveries.counts() })
  })
  app.post('/deliveries/retry', (c) => {
    runtime.deliveries.retryNow()
    return c.json(runtime.deliveries.counts())
  })
}

function paymentOf(runtime: Runtime, id: string) {
  const payment = runtime.store.payments.get(id)
  if (payment === undefined) throw resourceMissing('payment_intent', id, 'payment_intent', 404)
  return payment
}

/** Parsed JSON; what is not JSON, or too large, is refused by every schema. */
async function bodyOf(c: Context): Promise<unknown> {
  const body = await readText(c.req.raw, BODY_BYTES_MAX)
  try {
    return JSON.parse(body ?? '')
  } catch {
    return undefined
  }
}
