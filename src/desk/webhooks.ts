import { json } from './parameters.ts'
import { verb } from './verb.ts'

/** Inbox: an event of the provider whose signature was checked is marked and has its effect in one transaction. */
export const receiveWebhook = verb('receive_webhook', 'webhooks', { event: json })
  .refuses('INVALID_REQUEST')
  .answers<{ readonly event_type: string; readonly duplicate: boolean; readonly outcome: string }>()
