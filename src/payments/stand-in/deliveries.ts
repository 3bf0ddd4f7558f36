import { Stripe } from 'stripe'
import type { Dice } from './chaos.ts'
import type { Clock } from './clock.ts'
import { type DeliveryCounts, openCopyCounter } from './delivery-counts.ts'
import { openDeliveryQueue } from './delivery-queue.ts'

/** Requests to the endpoint at one time. */
const AT_ONCE_MAX = 16
/** How long the endpoint may take to answer one. */
const ANSWER_MS_MAX = 10_000
/** Seconds before each retry, the last again and again until the event is three days old; Stripe's durations. */
const RETRY_AFTER_S = [10, 30, 120, 600, 1_800, 7_200, 21_600, 43_200]
const GIVE_UP_AFTER_S = 3 * 24 * 3_600
/** How soon to look again for an endpoint where there is none yet. */
const LOOK_AGAIN_MS = 250

/** At-least-once delivery: sends events until the endpoint took each, signed, several at once, in no promised order. */
export interface Deliveries {
  deliver(eventId: string): void
  /** What waits for a retry is sent now, as by "resend" in Stripe's dashboard. */
  retryNow(): void
  counts(): DeliveryCounts
  /** True once nothing is left to deliver; false after `ms`. */
  idle(ms: number): Promise<boolean>
  close(): Promise<void>
}

export interface DeliveryOptions {
  readonly clock: Clock
  readonly webhookSecret: string
  readonly webhookUrl: () => string | undefined
  readonly dice: () => Dice
  /** The event's JSON, now. */
  readonly payload: (eventId: string) => string
  /** Every copy was taken, given up or lost. */
  readonly onDone: (eventId: string) => void
}

interface Copy {
  readonly eventId: string
  readonly since: number
  attempts: number
}

export function openDeliveries(options: DeliveryOptions): Deliveries {
  const { clock, webhookUrl } = options
  const counter = openCopyCounter(options.onDone)
  const closing = new AbortController()
  const queue = openDeliveryQueue<Copy, string>({
    atOnceMax: AT_ONCE_MAX,
    target: () => webhookUrl() ?? lookAgain(),
    work: (copy, url) => send(copy, url),
  })
  const refused = new Set<Copy>()
  let isLooking = false

  const lookAgain = () => {
    if (isLooking) return undefined
    isLooking = true
    clock.at(clock.now() + LOOK_AGAIN_MS, () => {
      isLooking = false
      queue.pump()
    })
    return undefined
  }
  const enqueue = (copy: Copy, delayMs: number) => clock.at(clock.now() + delayMs, () => queue.add(copy))
  const retry = (copy: Copy) => {
    if (refused.delete(copy)) queue.add(copy)
  }
  const send = async (copy: Copy, url: string) => {
    const { eventId } = copy
    const isTaken = await post(url, options.payload(eventId), options.webhookSecret, closing.signal)
    if (closing.signal.aborted) return
    copy.attempts += 1
    if (isTaken) return counter.end(eventId, 'delivered')
    counter.fail()
    const delay = clock.span(RETRY_AFTER_S[copy.attempts - 1] ?? RETRY_AFTER_S.at(-1) ?? 0)
    const isTooOld = clock.now() + delay > copy.since + clock.span(GIVE_UP_AFTER_S)
    if (isTooOld) return counter.end(eventId, 'given_up')
    refused.add(copy)
    clock.at(clock.now() + delay, () => retry(copy))
  }
  return {
    deliver: (eventId) => {
      const delays = options.dice().copies()
      counter.begin(eventId, delays.length)
      for (const delay of delays) enqueue({ eventId, since: clock.now(), attempts: 0 }, delay)
    },
    retryNow: () => refused.forEach(retry),
    counts: counter.counts,
    idle: counter.idle,
    close: async () => {
      closing.abort()
      counter.wake()
      await queue.close()
    },
  }
}

/** Whether the endpoint took it. */
async function post(url: string, payload: string, secret: string, closing: AbortSignal): Promise<boolean> {
  const headers = {
    'Content-Type': 'application/json; charset=utf-8',
    // The receiver judges the signature's age by its own clock, so it carries the machine's time.
    'Stripe-Signature': Stripe.webhooks.generateTestHeaderString({ payload, secret }),
    'User-Agent': 'Stripe/1.0 (stand-in)',
  }
  const signal = AbortSignal.any([closing, AbortSignal.timeout(ANSWER_MS_MAX)])
  try {
    const response = await fetch(url, { method: 'POST', body: payload, headers, signal, redirect: 'manual' })
    await response.arrayBuffer()
    return response.ok
  } catch {
    return false
  }
}
