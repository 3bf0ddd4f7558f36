import { integer, optional } from './parameters.ts'
import { verb } from './verb.ts'

/** What an operator watches, counted by the database; of the events on sale the busiest. */
export const operatingFigures = verb('operating_figures', 'health', {
  events: optional(integer),
}).gives<OperatingFigures>()

export interface OperatingFigures {
  readonly events_on_sale: number
  readonly total: number
  readonly sold: number
  readonly held: number
  readonly events: readonly {
    readonly slug: string
    readonly total: number
    readonly sold: number
    readonly held: number
  }[]
  readonly holds_overdue_seconds: number
  /** That ended unused within the last five minutes, by whomever. */
  readonly holds_expired: number
  readonly orders_pending: number
  readonly webhooks_unmatched: number
  readonly payments_unmatched: number
  readonly sessions_due: number
  readonly sessions_overdue_seconds: number
  readonly refunds: readonly {
    readonly status: string
    readonly currency: string
    readonly count: number
    readonly cents: number
  }[]
  readonly refunds_overdue_seconds: number
  readonly cancellations: number
  readonly connections: number
  readonly connections_max: number
  readonly lock_waits: number
  readonly transaction_seconds: number
  readonly deadlocks: number
  readonly standbys: readonly { readonly name: string; readonly bytes: number; readonly seconds: number }[]
  readonly slots: readonly { readonly name: string; readonly active: boolean; readonly bytes: number }[]
  /** Of pg_cron, where the database has it; null where none succeeded yet. */
  readonly jobs: readonly {
    readonly name: string
    readonly failed: number
    readonly seconds: number | null
  }[]
}
