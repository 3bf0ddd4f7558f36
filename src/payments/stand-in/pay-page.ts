import { type Context, Hono } from 'hono'
import { z } from 'zod'
import { passOn, readText } from './body.ts'
import { payPage, plainPage } from './pay-page-view.ts'
import type { Runtime } from './runtime.ts'
import { DEBIT_S_MAX, type Means, type PayResult, pay } from './sessions.ts'
import type { Session } from './state.ts'

/** A form of the page, or JSON of a script; what a browser sends of a field that was left empty is left out. */
const BODY_BYTES_MAX = 10_000

const email = z.email().max(800).nullish().catch(null)
const means = z.union([
  z.object({ card: z.string().max(40), email }),
  z.object({
    method: z.literal('bank_debit'),
    outcome: z.enum(['succeeds', 'fails']).default('succeeds'),
    after_seconds: z.coerce.number().min(0).max(DEBIT_S_MAX).nullish(),
    email,
  }),
])

/** `/c/pay/<session id>`: for a person with a browser, and for a script that sends and asks for JSON. */
export function openPayPage(runtime: Runtime): Hono {
  const app = new Hono().basePath('/checkout.stripe.com')
  app.get('/c/pay/:id', (c) => {
    const session = sessionOf(runtime, c)
    return session === undefined ? noSession(c) : show(c, session)
  })
  app.post('/c/pay/:id', async (c) => {
    const given = await meansOf(c)
    const session = sessionOf(runtime, c)
    if (session === undefined) return noSession(c)
    if (given === undefined) return refuseMeans(c, session)
    const payment = pay(runtime, session, given)
    return wantsJson(c) ? answerScript(c, payment) : answerBrowser(c, payment)
  })
  app.notFound(noSession)
  app.onError(passOn)
  return app
}

function sessionOf(runtime: Runtime, c: Context): Session | undefined {
  runtime.clock.catchUp()
  return runtime.store.sessions.get(c.req.param('id') ?? '')
}

function answerBrowser(c: Context, payment: PayResult): Response | Promise<Response> {
  switch (payment.kind) {
    case 'complete':
      return c.redirect(successUrl(payment.session), 303)
    case 'declined':
      return page(c, 402, payPage(payment.session, payment.failure.message))
    case 'closed':
      // A second click: the first one paid.
      if (payment.session.status === 'complete') return c.redirect(successUrl(payment.session), 303)
      return show(c, payment.session)
  }
}

/** 200 paid or under way, 402 declined, 409 complete before, 410 expired. */
function answerScript(c: Context, { kind, session, ...rest }: PayResult): Response {
  const { status, payment_status } = session
  const redirect = status === 'complete' ? successUrl(session) : null
  const message = 'failure' in rest ? rest.failure.message : null
  const closed = status === 'complete' ? 409 : 410
  const code = kind === 'complete' ? 200 : kind === 'declined' ? 402 : closed
  return c.json({ status, payment_status, redirect, message }, code)
}

function show(c: Context, session: Session): Response | Promise<Response> {
  switch (session.status) {
    case 'open':
      return page(c, 200, payPage(session))
    case 'complete':
      return page(c, 200, plainPage('Already paid', COMPLETE[session.payment_status], successUrl(session)))
    case 'expired':
      return page(c, 410, plainPage('This checkout has expired', EXPIRED, session.cancel_url))
  }
}

const EXPIRED = 'Nothing was paid. Go back to the box office to begin again.'
const COMPLETE = {
  paid: 'This checkout is complete and paid.',
  unpaid: 'This checkout is complete. The bank debit is under way.',
  no_payment_required: 'This checkout is complete. There was nothing to pay.',
}

function refuseMeans(c: Context, session: Session): Response | Promise<Response> {
  if (!wantsJson(c)) return page(c, 400, payPage(session, 'Type a card number.'))
  const message = 'Send {"card":"4242424242424242"} or {"method":"bank_debit","outcome":"succeeds"}.'
  return c.json(
    { status: session.status, payment_status: session.payment_status, redirect: null, message },
    400,
  )
}

function noSession(c: Context): Response | Promise<Response> {
  if (wantsJson(c)) return c.json({ status: null, redirect: null, message: 'No such checkout session.' }, 404)
  return page(c, 404, plainPage('No such checkout', 'This address names no checkout session.', null))
}

function successUrl({ success_url, id }: Session): string {
  return success_url.replaceAll('{CHECKOUT_SESSION_ID}', id)
}

async function meansOf(c: Context): Promise<Means | undefined> {
  const body = await readText(c.req.raw, BODY_BYTES_MAX)
  if (body === undefined) return undefined
  const { data } = means.safeParse(isJson(c) ? parseJson(body) : parseForm(body))
  if (data === undefined) return undefined
  const buyer = data.email ?? null
  if ('card' in data) return { method: 'card', number: data.card, email: buyer }
  const { method, outcome, after_seconds = null } = data
  return { method, outcome, after_seconds, email: buyer }
}

function parseForm(form: string): object {
  return Object.fromEntries([...new URLSearchParams(form)].filter(([, value]) => value !== ''))
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}

function isJson(c: Context): boolean {
  return c.req.header('content-type')?.includes('json') ?? false
}

function wantsJson(c: Context): boolean {
  return c.req.header('accept')?.includes('application/json') ?? isJson(c)
}

/** No script, no resource, no frame: what a page shows can only be read. */
function page(c: Context, status: 200 | 400 | 402 | 404 | 410, html: ReturnType<typeof payPage>) {
  c.header(
    'Content-Security-Policy',
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
  )
  c.header('Cache-Control', 'no-store')
  c.header('Referrer-Policy', 'no-referrer')
  c.header('X-Content-Type-Options', 'nosniff')
  return c.html(html, status)
}
