import { createHmac } from 'node:crypto'
import type { Dice } from './chaos.ts'
import type { Clock } from './clock.ts'

/** Requests to the endpoint at one time. */
const AT_ONCE_MAX = 16
/** How long the endpoint may take to answer one. */
const ANSWER_MS_MAX = 10_000
/** Seconds before each retry, the last again and again until the event is three days old; Stripe's durations. */
const RETRY_AFTER_S = [10, 30, 120, 600, 1_800, 7_200, 21_600, 43_200]
const GIVE_UP_AFTER_S = 3 * 24 * 3_600
/** How soon to look again for an endpoint where there is none yet. */
const LOOK_AGAIN_MS = 250

/** Sends events until the endpoint took each: signed, several at once, in no promised order. */
export interface Deliveries {
  deliver(eventId: string): void
  counts(): DeliveryCounts
  /** True once nothing is left to deliver; false after `ms`. */
  idle(ms: number): Promise<boolean>
  close(): Promise<void>
}

interface DeliveryCounts {
  /** Copies still to be delivered, those that wait for a retry among them. */
  readonly pending: number
  readonly delivered: number
  /** Attempts that failed; each was tried again unless it was the last. */
  readonly failed_attempts: number
  readonly given_up: number
  /** Events that chaos never sends. */
  readonly lost: number
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
  const { clock } = options
  const counts = { pending: 0, delivered: 0, failed_attempts: 0, given_up: 0, lost: 0 }
  const copiesLeft = new Map<string, number>()
  const ready = openFifo<Copy>()
  const inFlight = new Set<Promise<void>>()
  const idlers = new Set<() => void>()
  const closing = new AbortController()
  let looking = false

  const pump = () => {
    while (ready.size() > 0 && inFlight.size < AT_ONCE_MAX && !closing.signal.aborted) {
      const url = options.webhookUrl()
      if (url === undefined) return lookAgain()
      const copy = ready.take()
      if (copy === undefined) return
      const sending = send(copy, url).finally(() => {
        inFlight.delete(sending)
        pump()
      })
      inFlight.add(sending)
    }
  }
  const lookAgain = () => {
    if (looking) return
    looking = true
    clock.at(clock.now() + LOOK_AGAIN_MS, () => {
      looking = false
      pump()
    })
  }
  const queue = (copy: Copy, delayMs: number) => {
    clock.at(clock.now() + delayMs, () => {
      ready.add(copy)
      pump()
    })
  }
  const send = async (copy: Copy, url: string) => {
    const taken = await post(url, options.payload(copy.eventId), options.webhookSecret, closing.signal)
    if (closing.signal.aborted) return
    copy.attempts += 1
    if (taken) return finish(copy, 'delivered')
    counts.failed_attempts += 1
    const delay = clock.span(RETRY_AFTER_S[copy.attempts - 1] ?? RETRY_AFTER_S.at(-1) ?? 0)
    const tooOld = clock.now() + delay > copy.since + clock.span(GIVE_UP_AFTER_S)
    return tooOld ? finish(copy, 'given_up') : queue(copy, delay)
  }
  const finish = (copy: Copy, how: 'delivered' | 'given_up') => {
    counts[how] += 1
    counts.pending -= 1
    const left = (copiesLeft.get(copy.eventId) ?? 1) - 1
    if (left > 0) copiesLeft.set(copy.eventId, left)
    else done(copy.eventId)
  }
  const done = (eventId: string) => {
    copiesLeft.delete(eventId)
    options.onDone(eventId)
    if (counts.pending === 0) for (const wake of idlers) wake()
  }
  return {
    deliver: (eventId) => {
      const delays = options.dice().copies()
      if (delays.length === 0) {
        counts.lost += 1
        return done(eventId)
      }
      counts.pending += delays.length
      copiesLeft.set(eventId, delays.length)
      for (const delay of delays) queue({ eventId, since: clock.now(), attempts: 0 }, delay)
    },
    counts: () => ({ ...counts }),
    idle: (ms) => waitFor(idlers, ms, () => counts.pending === 0),
    close: async () => {
      closing.abort()
      for (const wake of idlers) wake()
      await Promise.all(inFlight)
    },
  }
}

async function post(url: string, body: string, secret: string, closing: AbortSignal): Promise<boolean> {
  // The receiver judges the signature's age by its own clock, so it carries the machine's time.
  const time = Math.floor(Date.now() / 1000)
  const signature = createHmac('sha256', secret).update(`${time}.${body}`).digest('hex')
  const headers = {
    'Content-Type': 'application/json; charset=utf-8',
    'Stripe-Signature': `t=${time},v1=${signature}`,
    'User-Agent': 'Stripe/1.0 (stand-in)',
  }
  const signal = AbortSignal.any([closing, AbortSignal.timeout(ANSWER_MS_MAX)])
  try {
    const response = await fetch(url, { method: 'POST', body, headers, signal, redirect: 'manual' })
    await response.arrayBuffer()
    return response.ok
  } catch {
    return false
  }
}

function waitFor(idlers: Set<() => void>, ms: number, idle: () => boolean): Promise<boolean> {
  if (idle()) return Promise.resolve(true)
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer)
      idlers.delete(wake)
      resolve(idle())
    }
    const timer = setTimeout(wake, ms)
    idlers.add(wake)
  })
}

/** First in, first out, without moving what waits. */
function openFifo<T>() {
  const items = new Map<number, T>()
  let first = 0
  let next = 0
  return {
    size: () => items.size,
    add: (item: T) => {
      items.set(next, item)
      next += 1
    },
    take: () => {
      const item = items.get(first)
      if (items.delete(first)) first += 1
      return item
    },
  }
}
