import { control, settledDeliveries } from '../stand-in.ts'
import { type ChaosWorld, pause } from './world.ts'

interface QuietOptions {
  readonly report: (text: string) => void
  readonly quietMsMax?: number
}

const QUIET_MS_MAX = 180_000
/** How often it is looked at, in seconds, while webhooks are on their way; and in milliseconds, while jobs are at work. */
const LOOK_EVERY_S = 1
const LOOK_EVERY_MS = 250

/**
 * Quiescence: waits until no webhook is on its way and no job has anything left to ask, pulling the retry times of both forward: a
 * provider whose events were refused while the server was down may wait for half a minute.
 * Gives what is unfinished after the bound, in words; empty when all is done.
 */
export async function untilQuiet(
  { client, standIn, signal }: ChaosWorld,
  { report, quietMsMax = QUIET_MS_MAX }: QuietOptions,
): Promise<string> {
  const until = Date.now() + quietMsMax
  for (;;) {
    signal.throwIfAborted()
    await control(standIn, 'deliveries/retry', null)
    const { pending } = await settledDeliveries(standIn, LOOK_EVERY_S)
    const { rows } = await client.query<{
      sessions: number
      refunds: number
      payments: number
      orders: number
    }>(`
      select (select count(*)::int from ticketing.checkout_sessions where ask_at is not null) as sessions,
        (select count(*)::int from ticketing.refunds where ask_at is not null) as refunds,
        (select count(*)::int from ticketing.payments where ask_at is not null) as payments,
        (select count(*)::int from orders where status = 'pending') as orders`)
    const left = { ...rows[0], deliveries: pending }
    if (Object.values(left).every((n) => n === 0)) return ''
    const unfinished = Object.entries(left)
      .map(([what, n]) => `${n} ${what}`)
      .join(', ')
    if (Date.now() > until) return unfinished
    report(`waiting until it is quiet: ${unfinished}`)
    for (const table of ['checkout_sessions', 'refunds', 'payments'])
      await client.query(
        `update ticketing.${table} set ask_at = now() where ask_at > now() + interval '1 second'`,
      )
    await pause(LOOK_EVERY_MS)
  }
}
