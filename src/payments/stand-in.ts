import type { Hono } from 'hono'
import { openApi } from './stand-in/api.ts'
import { type Chaos, rollDice } from './stand-in/chaos.ts'
import { openClock } from './stand-in/clock.ts'
import { openControl } from './stand-in/control.ts'
import { openDeliveries } from './stand-in/deliveries.ts'
import { eventObject } from './stand-in/events.ts'
import { openKeys } from './stand-in/idempotency.ts'
import { noJournal, openJournal } from './stand-in/journal.ts'
import { settleRefundInTime } from './stand-in/money.ts'
import { openPayPage } from './stand-in/pay-page.ts'
import type { Runtime } from './stand-in/runtime.ts'
import { expireInTime, settleInTime } from './stand-in/sessions.ts'
import type { Session } from './stand-in/state.ts'
import { type Fact, mustGet, openStore, recorder } from './stand-in/store.ts'

export type { Chaos } from './stand-in/chaos.ts'

export interface StandInOptions {
  /** The key that API calls and control must carry: `sk_test_…`. */
  readonly secretKey: string
  /** `whsec_…`: events are signed with it. */
  readonly webhookSecret: string
  /** Where events go; while undefined they wait. */
  readonly webhookUrl?: () => string | undefined
  /** In front of `/checkout.stripe.com/c/pay/<session id>`; without a slash at its end. */
  readonly publicUrl: () => string
  /** A file in which everything survives a restart; absent: memory only. A crash may lose the last milliseconds. */
  readonly journal?: string
  /**
   * Divides Stripe's durations: 1 is Stripe's pace; at 200 a session lives 9 seconds to 7 minutes and a key 7 minutes.
   * Times stay the machine's.
   */
  readonly timeScale?: number
  /** Absent: nothing goes wrong. */
  readonly chaos?: Chaos
}

export interface StandIn {
  /** Serves `/api.stripe.com/…`, `/checkout.stripe.com/…` and `/stand-in/…`. */
  readonly fetch: (request: Request) => Promise<Response>
  /** No timer and no delivery outlives it; events that were not delivered go out after the next start. */
  close(): Promise<void>
}

/**
 * A Stripe for one machine: the calls, objects, events and refusals that the box office meets, with a pay page, books of
 * its own and no money. What it does not know it refuses as unknown. Throws when the journal cannot be read.
 */
export async function openStandIn(options: StandInOptions): Promise<StandIn> {
  const { webhookSecret, webhookUrl = () => undefined, publicUrl, journal: path, timeScale = 1 } = options
  const clock = openClock(timeScale)
  const store = openStore(clock.set)
  // Lines are this module's own; a stranger's break in the store, which names the line.
  const journal =
    path === undefined ? noJournal : await openJournal(path, (line) => store.apply(line as Fact))
  const record = recorder(store, journal)
  const payUrl = ({ id }: Session) => `${publicUrl()}/checkout.stripe.com/c/pay/${id}`
  const deliveries = openDeliveries({
    clock,
    webhookSecret,
    webhookUrl,
    dice: () => runtime.dice,
    payload: (id) => JSON.stringify(eventObject(mustGet(store.happenings, id), payUrl, true)),
    onDone: (id) => record({ is: 'delivered', id }),
  })
  const runtime: Runtime = {
    clock,
    store,
    deliveries,
    dice: rollDice(options.chaos),
    nextRefunds: [],
    record,
    payUrl,
  }
  resume(runtime)
  const hosts = new Map<string, Hono>([
    ['api.stripe.com', openApi(runtime, openKeys(store, clock), options.secretKey)],
    ['checkout.stripe.com', openPayPage(runtime)],
    ['stand-in', openControl(runtime, options.secretKey)],
  ])
  return {
    fetch: async (request) => {
      const host = hosts.get(new URL(request.url).pathname.split('/')[1] ?? '')
      const broken = journal.broken()
      if (broken !== undefined) return failure(500, broken.message)
      return host === undefined ? failure(404, 'There is nothing here.') : host.fetch(request)
    },
    close: async () => {
      clock.stop()
      await deliveries.close()
      await journal.close()
    },
  }
}

/** What was under way when the journal ended goes on. */
function resume(runtime: Runtime): void {
  const { sessions, payments, refunds, undelivered } = runtime.store
  for (const session of sessions.values()) if (session.status === 'open') expireInTime(runtime, session)
  for (const payment of payments.values()) if (payment.status === 'processing') settleInTime(runtime, payment)
  for (const refund of refunds.values()) settleRefundInTime(runtime, refund)
  for (const id of [...undelivered]) runtime.deliveries.deliver(id)
}

function failure(status: number, message: string): Response {
  return Response.json({ error: { type: 'api_error', message } }, { status })
}
