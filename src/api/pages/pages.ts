import type { Context, Hono } from 'hono'
import { type RefusalCode, refusalEntry } from '../../core/refusals.ts'
import { UUID } from '../../core/uuid.ts'
import { ANON } from '../../desk/callers.ts'
import { eventsOnSale } from '../../desk/events.ts'
import { orderPage as readOrder } from '../../desk/orders.ts'
import type { Front, Task } from '../front.ts'
import { giveUp } from '../functions/cancel-order.ts'
import { refusalOf } from '../functions/contract.ts'
import { refuseBadHeaders } from '../http.ts'
import { buyTickets, FORM_BYTES_MAX } from './buy.ts'
import { isCrossSite, type PageContext } from './context.ts'
import { eventPage } from './event-page.ts'
import { readEvent } from './events.ts'
import { freshForm } from './form.ts'
import { homePage } from './home-page.ts'
import { goTo, messagePage, type Page, pageHeaders } from './layout.ts'
import { orderPage, sheetOf } from './order-page.ts'
import { drawCodes } from './qr-code.ts'
import { readWaiting } from './waiting.ts'

type Answer = (request: Request, now: Date) => Promise<Page | undefined>

/**
 * The pages of buyers. Mount them after the API and before what answers everything else: a browser that asks for what is not
 * there is answered by a page too.
 */
export function mountPages(app: Hono, front: Front, context: PageContext): void {
  const database = context.databases.pages
  const page = (c: Context, path: string, answer: Answer, methods = READING) =>
    front(
      c,
      taskOf(path, methods, context, (request) => answer(request, new Date())),
    )

  app.get('/', (c) => page(c, '/', async () => homePage(await eventsOnSale(database, ANON, {}))))
  app.get('/events/:slug', (c) =>
    page(c, '/events/:slug', async (request, now) => {
      const event = await readEvent(database, c.req.param('slug'))
      if (event === undefined) return undefined
      const waiting = await readWaiting(request, database)
      return eventPage({ event, waiting, form: freshForm(waiting[0]?.key) }, now)
    }),
  )
  app.post('/events/:slug/checkout', (c) =>
    page(
      c,
      '/events/:slug/checkout',
      async (request, now) => buyTickets(request, c.req.param('slug'), context, now),
      WRITING,
    ),
  )
  // Whoever reloads what a refused form showed begins again.
  app.get('/events/:slug/checkout', (c) =>
    page(c, '/events/:slug/checkout', async () => goTo(`/events/${encodeURIComponent(c.req.param('slug'))}`)),
  )
  mountOrders(app, front, context)
  app.get('*', (c, next) => (wantsPage(c) ? page(c, '*', async () => undefined) : next()))
}

/** An order, for whoever knows its secret: its page, and the button that gives it up. */
function mountOrders(app: Hono, front: Front, context: PageContext): void {
  type Show = (id: string, secret: string, request: Request, now: Date) => Promise<Page | undefined>
  const page = (c: Context, path: string, show: Show, methods = READING) =>
    front(
      c,
      taskOf(path, methods, context, async (request) => {
        const { id = '', secret = '' } = c.req.param()
        return UUID.test(id) && SECRET.test(secret) ? show(id, secret, request, new Date()) : undefined
      }),
    )
  const [path, cancelling] = ['/orders/:id/:secret', '/orders/:id/:secret/cancel']

  app.get(path, (c) =>
    page(c, path, async (id, secret, request, now) => {
      const view = await readOrder(context.databases.pages, ANON, { order_id: id, secret })
      if (!view.success) return undefined
      const sheet = sheetOf(view, context.codes, Number(new URL(request.url).searchParams.get('page') ?? 1))
      await drawCodes(sheet.tickets.flatMap(({ shown }) => shown ?? []))
      return orderPage(view, sheet, `/orders/${id}/${secret}`, now)
    }),
  )
  app.post(cancelling, (c) =>
    page(c, cancelling, async (id, secret) => giveUpOrder(id, secret, context), WRITING),
  )
  app.get(cancelling, (c) => page(c, cancelling, async (id, secret) => goTo(`/orders/${id}/${secret}`)))
}

/** Gives an order up; its page says what became of it, also where that was refused. */
async function giveUpOrder(id: string, secret: string, context: PageContext): Promise<Page> {
  try {
    await giveUp(id, secret, { ...context, caller: ANON })
  } catch (error) {
    const code = refusalOf(error)?.code
    if (code === undefined || !TOLD_BY_ITS_PAGE.has(code)) throw error
  }
  return goTo(`/orders/${id}/${secret}`)
}

const TOLD_BY_ITS_PAGE = new Set<RefusalCode>(['ORDER_PAID', 'PAYMENT_UNDER_WAY', 'PAYMENT_UNAVAILABLE'])

const READING = ['GET', 'HEAD']
const WRITING = ['POST']
const SECRET = /^[\da-f]{32}$/

/** A refusal is a page as well. */
function taskOf(
  path: string,
  methods: readonly string[],
  context: PageContext,
  answer: (request: Request) => Promise<Page | undefined>,
): Task {
  const refuse = (code: RefusalCode) => respond(errorPage(code), context.publicUrl)
  const isWriting = methods === WRITING
  return {
    lane: isWriting ? 'buyers' : 'pages',
    path,
    methods,
    bodyBytesMax: FORM_BYTES_MAX,
    refuse,
    greet: async (request) =>
      isWriting && isCrossSite(request, context) ? { refused: refuse('FORBIDDEN') } : { isKnown: false },
    answer: async (request) => {
      try {
        return respond((await answer(request)) ?? errorPage('NOT_FOUND'), context.publicUrl)
      } catch (error) {
        const refusal = refusalOf(error)
        if (refusal === undefined) throw error
        return refuse(refusal.code)
      }
    },
  }
}

function respond({ status, body, headers }: Page, publicUrl: string | undefined): Response {
  refuseBadHeaders(headers ?? {})
  return new Response(String(body), { status, headers: { ...pageHeaders(publicUrl), ...headers } })
}

/** A browser, and nothing of the API, whose answers are never HTML. */
function wantsPage(c: Context): boolean {
  return !API.test(c.req.path) && (c.req.header('accept')?.includes('text/html') ?? false)
}

const API = /^\/(functions|rest|realtime|auth|storage)\//

function errorPage(code: RefusalCode): Page {
  const { status, retryAfterSeconds } = refusalEntry(code)
  const page = messagePage(status, ...wordsFor(status))
  if (retryAfterSeconds === undefined) return page
  return { ...page, headers: { 'Retry-After': String(retryAfterSeconds) } }
}

function wordsFor(status: number): [title: string, sentence: string] {
  if (status === 403)
    return ['Not from there', 'Another site sent this form. Open the page of the event here, and buy there.']
  if (status === 404)
    return ['There is nothing here', 'The address may be incomplete: try the link that you were given.']
  if (status === 429)
    return ['One moment', 'That was a lot at once. Wait a little, then load this page again.']
  if (status === 503)
    return [
      'Busy',
      'A lot of people are here now. Nothing of yours is lost: load this page again in a moment.',
    ]
  if (status < 500) return ['That did not work', 'Go back and try it again.']
  return [
    'Something went wrong',
    'It is our fault, not yours, and it is in our log. Load this page again in a moment.',
  ]
}
