import { flag, integer, json, optional, text, uuid } from './parameters.ts'
import { verb } from './verb.ts'

/** The provider opened the checkout session that was asked for. */
export const openSession = verb('open_session', 'webhooks', {
  order_id: uuid,
  attempt: integer,
  session: json,
})
  .refuses('ORDER_NOT_FOUND', 'LOCK_TIMEOUT')
  .answers<{
    readonly session_id: string
    readonly url: string | null
    /** The order ended meanwhile: the session is to be expired. */
    readonly abandoned: boolean
  }>()

/** The provider said no for good: there is no session, and nobody will pay. */
export const refuseSession = verb('refuse_session', 'webhooks', {
  order_id: uuid,
  attempt: integer,
  error: text,
})
  .refuses('ORDER_NOT_FOUND', 'LOCK_TIMEOUT')
  .answers<{ readonly released: number }>()

/** What the provider says about a session, by an event or because it was asked. */
export const settleSession = verb('settle_session', 'webhooks', { session: json })
  .refuses('LOCK_TIMEOUT')
  .answers<{ readonly outcome: string; readonly order_id: string | null; readonly reason?: string }>()

/** Lease: sessions to look at now, which nobody else gets before their next turn. */
export const dueSessions = verb('due_sessions', 'webhooks', {
  limit: optional(integer),
  livemode: optional(flag),
}).gives<readonly DueSession[]>()

/** A call of the outbox, and what is to be done about its session. */
export interface DueSession {
  readonly order_id: string
  readonly attempt: number
  readonly key: string
  readonly parameters: object
  readonly action: 'create' | 'expire' | 'ask'
  readonly session_id: string | null
}
