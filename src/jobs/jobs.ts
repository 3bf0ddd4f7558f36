import type { Log } from '../core/log.ts'
import type { Database } from '../db/pool.ts'
import { SERVICE } from '../desk/callers.ts'
import { continueCancellations } from '../desk/events.ts'
import { expireTicketHolds } from '../desk/holds.ts'
import { expireOrders } from '../desk/orders.ts'
import { forgetLeftovers } from '../desk/users.ts'
import type { PaymentProvider } from '../payments/provider.ts'
import { type Due, dueRefunds, dueSessions } from '../payments/reconcile.ts'
import { loop } from './loop.ts'

export interface Jobs {
  /** Begins nothing new and ends with the round under way: its calls to the provider are bounded. Safe to call twice. */
  stop(): Promise<void>
}

/** Counts what the jobs did. */
export interface JobCounter {
  round(job: string, outcome: 'success' | 'failure'): void
}

/**
 * Ends what is due, asks the provider about what was not heard of, and sends refunds, until `stop`. Any number of servers may
 * do so at once: the database leases each thing to one of them.
 */
export function startJobs(
  database: Database,
  provider: PaymentProvider,
  log: Log,
  counter: JobCounter = UNCOUNTED,
): Jobs {
  const every = (ms: number, name: string, round: () => Promise<boolean>) => {
    const report = reportFailures(log, name)
    const counted = async () => {
      const hasMore = await round()
      counter.round(name, 'success')
      return hasMore
    }
    return loop(ms, counted, (error) => {
      counter.round(name, 'failure')
      report(error)
    })
  }
  const loops = [
    every(EXPIRE_EVERY_MS, 'expire orders', () => expireOrdersOnce(database)),
    every(EXPIRE_EVERY_MS, 'expire holds', () => expireHoldsOnce(database)),
    every(EXPIRE_EVERY_MS, 'cancel events', () => cancelEventsOnce(database)),
    every(FORGET_EVERY_MS, 'forget leftovers', () => forgetLeftoversOnce(database)),
    every(ASK_EVERY_MS, 'reconcile', () => reconcileOnce(database, provider, log)),
    every(ASK_EVERY_MS, 'refund', () => refundOnce(database, provider, log)),
  ]
  return {
    stop: async () => {
      await Promise.all(loops.map((job) => job.stop()))
    },
  }
}

const UNCOUNTED: JobCounter = { round: () => {} }

/**
 * How often due holds are ended. A sale does not wait for this (lazy expiry): a verb that finds too few tickets left ends the
 * due holds of its tier itself.
 */
const EXPIRE_EVERY_MS = 5_000
const EXPIRE_HOLDS_MAX = 1_000
const EXPIRE_ORDERS_MAX = 100
const CANCEL_ORDERS_MAX = 50

const ASK_EVERY_MS = 2_000
const FORGET_EVERY_MS = 60_000
const FORGET_MAX = 1_000

/** Lease batch: no more than are worked on at once, since what waited behind others would outlive its lease. */
const DUE_MAX = 8

/** Ends orders whose time to pay is over; true where there may be more. */
export async function expireOrdersOnce(database: Database): Promise<boolean> {
  return (await expireOrders(database, SERVICE, { limit: EXPIRE_ORDERS_MAX })) >= EXPIRE_ORDERS_MAX
}

/** Goes on with events that staff cancelled; true where there may be more. */
export async function cancelEventsOnce(database: Database): Promise<boolean> {
  return (await continueCancellations(database, SERVICE, { limit: CANCEL_ORDERS_MAX })) > 0
}

/** Ends holds that are due; true where there may be more. */
export async function expireHoldsOnce(database: Database): Promise<boolean> {
  return (await expireTicketHolds(database, SERVICE, { limit: EXPIRE_HOLDS_MAX })) >= EXPIRE_HOLDS_MAX
}

/** Deletes messages and codes that are over; true where there may be more. */
async function forgetLeftoversOnce(database: Database): Promise<boolean> {
  return (await forgetLeftovers(database, SERVICE, { limit: FORGET_MAX })) >= FORGET_MAX
}

/** Looks at the sessions that are due; true where there may be more. */
export async function reconcileOnce(
  database: Database,
  provider: PaymentProvider,
  log: Log,
): Promise<boolean> {
  return work(await dueSessions(database, provider, DUE_MAX), log)
}

/** Sends and asks about the refunds that are due; true where there may be more. */
export async function refundOnce(database: Database, provider: PaymentProvider, log: Log): Promise<boolean> {
  return work(await dueRefunds(database, provider, DUE_MAX), log)
}

/** A failure stops no other: its lease ends, and it is due again. */
async function work(due: readonly Due[], log: Log): Promise<boolean> {
  await Promise.all(
    due.map(async ({ about, run }) => {
      try {
        log('info', 'payment_job_done', { about, outcome: (await run()).kind })
      } catch (error) {
        log('error', 'payment_job_failed', { about, error: reasonOf(error), next: 'tried again by itself' })
      }
    }),
  )
  return due.length >= DUE_MAX
}

/** Log throttling: a failure that repeats is logged the first time, the second, the fourth, the eighth …. */
function reportFailures(log: Log, job: string): (error: unknown) => void {
  let last = ''
  let times = 0
  return (cause) => {
    const error = reasonOf(cause)
    times = error === last ? times + 1 : 1
    last = error
    if (Number.isInteger(Math.log2(times))) {
      log('error', 'job_failed', { job, error, times, next: 'tried again by itself' })
    }
  }
}

/** The stack of a bug; the sentence of an error that has a code. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return 'code' in error ? `${error.message} (${String(error.code)})` : (error.stack ?? error.message)
}
