import type { Instruments } from './instruments.ts'
import type { Figures } from './reader.ts'

/** Writes what the database said. */
export function setFigures(instruments: Instruments, figures: Figures): void {
  instruments.up.set(1)
  setSale(instruments, figures)
  setMoney(instruments, figures)
  setServer(instruments, figures)
  instruments.cronFailed.reset()
  instruments.cronAge.reset()
  for (const { name, failed, seconds } of figures.jobs) {
    instruments.cronFailed.set({ name }, failed)
    if (seconds !== null) instruments.cronAge.set({ name }, seconds)
  }
}

/** What it did not say is not there, rather than what it was. */
export function setNone(instruments: Instruments): void {
  instruments.up.set(0)
  for (const name of OF_DATABASE) instruments[name].remove()
  for (const name of OF_DATABASE_BY_LABEL) instruments[name].reset()
}

const OF_DATABASE = [
  'eventsOnSale',
  'holdsOverdue',
  'holdsExpired',
  'ordersPending',
  'webhooksUnmatched',
  'paymentsUnmatched',
  'sessionsDue',
  'sessionsOverdue',
  'refundsOverdue',
  'cancellations',
  'protections',
  'protectionsActive',
  'connections',
  'connectionsMax',
  'lockWaits',
  'transaction',
  'deadlocks',
] as const

const OF_DATABASE_BY_LABEL = [
  'tickets',
  'eventTickets',
  'refunds',
  'refundsOwed',
  'standbyLag',
  'standbyBytes',
  'slotBytes',
  'slotActive',
  'cronFailed',
  'cronAge',
] as const

function setSale(instruments: Instruments, figures: Figures): void {
  instruments.eventsOnSale.set(figures.events_on_sale)
  instruments.holdsOverdue.set(figures.holds_overdue_seconds)
  instruments.holdsExpired.set(figures.holds_expired)
  instruments.ordersPending.set(figures.orders_pending)
  for (const [state, count] of statesOf(figures)) instruments.tickets.set({ state }, count)
  instruments.eventTickets.reset()
  for (const event of figures.events) {
    for (const [state, count] of statesOf(event)) {
      instruments.eventTickets.set({ event: event.slug, state }, count)
    }
  }
}

function statesOf({ total, sold, held }: Pick<Figures, 'total' | 'sold' | 'held'>): [string, number][] {
  return [
    ['sold', sold],
    ['held', held],
    ['free', total - sold - held],
  ]
}

function setMoney(instruments: Instruments, figures: Figures): void {
  instruments.webhooksUnmatched.set(figures.webhooks_unmatched)
  instruments.paymentsUnmatched.set(figures.payments_unmatched)
  instruments.sessionsDue.set(figures.sessions_due)
  instruments.sessionsOverdue.set(figures.sessions_overdue_seconds)
  instruments.refundsOverdue.set(figures.refunds_overdue_seconds)
  instruments.cancellations.set(figures.cancellations)
  instruments.refunds.reset()
  instruments.refundsOwed.reset()
  for (const { status, currency, count, cents } of figures.refunds) {
    instruments.refunds.set({ status, currency }, count)
    instruments.refundsOwed.set({ status, currency }, cents)
  }
}

function setServer(instruments: Instruments, figures: Figures): void {
  instruments.protections.set(figures.protections.total)
  instruments.protectionsActive.set(figures.protections.active)
  instruments.connections.set(figures.connections)
  instruments.connectionsMax.set(figures.connections_max)
  instruments.lockWaits.set(figures.lock_waits)
  instruments.transaction.set(figures.transaction_seconds)
  instruments.deadlocks.set(figures.deadlocks)
  for (const name of ['standbyLag', 'standbyBytes', 'slotBytes', 'slotActive'] as const) {
    instruments[name].reset()
  }
  for (const { name: standby, bytes, seconds } of figures.standbys) {
    instruments.standbyLag.set({ standby }, seconds)
    instruments.standbyBytes.set({ standby }, bytes)
  }
  for (const { name: slot, active, bytes } of figures.slots) {
    instruments.slotBytes.set({ slot }, bytes)
    instruments.slotActive.set({ slot }, active ? 1 : 0)
  }
}
