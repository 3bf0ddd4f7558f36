import type { Attack } from '../attack.ts'
import { forget } from './acknowledged-is-durable.ts'
import { enterTwice } from './admitted-once.ts'
import { unbalance } from './books-balance.ts'
import { cutShort } from './holds-hold.ts'
import { oversell } from './never-oversold.ts'
import { hideTickets } from './never-undersold.ts'
import { overbook } from './offers-and-slots-fit.ts'
import { pry } from './only-yours.ts'
import { payTwice } from './paid-once-issued-once.ts'
import { repeatRequests } from './same-request-same-answer.ts'

/** How each guarantee is attacked. */
export const ATTACKS: Readonly<Record<string, Attack>> = {
  'never-oversold': oversell,
  'never-undersold': hideTickets,
  'holds-hold': cutShort,
  'paid-once-issued-once': payTwice,
  'admitted-once': enterTwice,
  'offers-and-slots-fit': overbook,
  'same-request-same-answer': repeatRequests,
  'books-balance': unbalance,
  'acknowledged-is-durable': forget,
  'only-yours': pry,
}
