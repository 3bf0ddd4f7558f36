import type { OrderRow, TrueState } from './answers.ts'
import { finalOf, orderOf, type Shopper, wasSold } from './buyers.ts'
import { type Judged, judged, judgement, type PromiseName, unsaid } from './promises.ts'
import type { Target } from './target.ts'

/** What happened in one run: who asked, and what the system's rows say now that all is quiet. */
export interface Aftermath {
  readonly units: number
  readonly shoppers: readonly Shopper[]
  readonly truth: TrueState
}

/** Carts that were opened, and neither became orders nor were given up: they may keep a unit from others still. */
export function openCartsOf({ adapter }: Target, shoppers: readonly Shopper[]): number {
  if (adapter.holds === 'none') return 0
  return shoppers.filter((who) => who.cart !== undefined && !wasSold(who)).length
}

/** Every comparison that what the adapter says allows. */
export function judge(target: Target, aftermath: Aftermath): Judged {
  return judged(
    oversold(aftermath),
    doubleOrders(aftermath),
    toldYes(aftermath),
    toldNo(aftermath),
    counter(aftermath, openCartsOf(target, aftermath.shoppers)),
    payments(aftermath),
    tickets(aftermath),
  )
}

const ROWS_SHOWN = 3

export function unitsOf(orders: readonly Pick<OrderRow, 'units'>[]): number {
  return orders.reduce((sum, { units }) => sum + (units ?? 1), 0)
}

/** The witness is where the last unit went, and what was sold after it. */
function oversold({ units, truth }: Aftermath): Judged {
  const sold = unitsOf(truth.orders)
  const name = `at most ${units} units are sold`
  if (sold <= units)
    return judgement('never-oversold', name, true, `${sold} in ${truth.orders.length} living orders`)
  const inOrder = truth.orders.toSorted((one, other) => compare(one.at ?? '', other.at ?? ''))
  const first = inOrder.findIndex((_, at) => unitsOf(inOrder.slice(0, at + 1)) >= units)
  const [last, ...beyond] = inOrder.slice(first)
  const both = `${last?.id} and ${beyond[0]?.id} both got the last unit`
  return judgement(
    'never-oversold',
    name,
    false,
    `${sold} units in ${truth.orders.length} living orders, and there are ${units}: orders ${both}`,
    {
      units,
      sold,
      tooMany: sold - units,
      lastUnit: last,
      alsoSold: beyond.slice(0, ROWS_SHOWN),
      ...(beyond.length > ROWS_SHOWN ? { andMore: beyond.length - ROWS_SHOWN } : {}),
    },
  )
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}

function doubleOrders({ truth }: Aftermath): Judged {
  const promise = 'same-request-same-answer'
  const named = truth.orders.filter(({ buyer }) => buyer != null)
  if (named.length < truth.orders.length) return unsaid(promise, 'the orders of `truth` name no `buyer`')
  const byBuyer = [...Map.groupBy(named, ({ buyer }) => buyer)]
  const twice = byBuyer.filter(([, orders]) => orders.length > 1)
  const [first] = twice
  return judgement(
    promise,
    'no buyer has two orders',
    twice.length === 0,
    first === undefined
      ? `${truth.orders.length} orders of ${byBuyer.length} buyers`
      : `${truth.orders.length} orders of ${byBuyer.length} buyers: ${first[0]} has ${first[1].map(({ id }) => id).join(' and ')}`,
    first?.[1],
  )
}

/** Everyone who was told yes has a living order. */
export function toldYes({ shoppers, truth }: Aftermath, promise: PromiseName = 'answers-are-true'): Judged {
  const told = shoppers.filter(wasSold)
  if (told.some((who) => orderOf(who) === undefined)) return unsaid(promise, '`commit` names no `order`')
  const living = new Set(truth.orders.map(({ id }) => id))
  const missing = told.filter((who) => !living.has(orderOf(who) ?? ''))
  const [first] = missing
  return judgement(
    promise,
    'everyone who was told yes has an order',
    missing.length === 0,
    first === undefined
      ? `${told.length} of ${told.length}`
      : `${missing.length} of ${told.length} have none: ${first.buyer.email} was told order ${orderOf(first)}, and it is not among the living`,
    first && historyOf(first),
  )
}

/** Who was told no in the end has no order; who got no answer may have one. */
function toldNo({ shoppers, truth }: Aftermath): Judged {
  const promise = 'answers-are-true'
  const byEmail = new Map(truth.orders.map((order) => [order.buyer?.toLowerCase(), order]))
  const known = shoppers.some(({ buyer }) => byEmail.has(buyer.email))
  const refused = shoppers.filter(
    (who) => !wasSold(who) && ['soldOut', 'refused', 'busy'].includes(finalOf(who)?.outcome ?? ''),
  )
  if (!known && truth.orders.length > 0)
    return unsaid(promise, 'the `buyer` of an order is no e-mail address')
  const served = refused.filter(({ buyer }) => byEmail.has(buyer.email))
  const [first] = served
  return judgement(
    promise,
    'nobody who was told no has an order',
    served.length === 0,
    first === undefined
      ? `${refused.length} told no, 0 with an order`
      : `${served.length} of ${refused.length} have one: ${first.buyer.email} was told ${saidLast(first)}, and order ${byEmail.get(first.buyer.email)?.id} stands`,
    first && { order: byEmail.get(first.buyer.email), ...historyOf(first) },
  )
}

function counter({ units, truth }: Aftermath, openCarts: number): Judged {
  const promise = 'counter-agrees'
  if (truth.left === undefined)
    return unsaid(promise, '`truth` does not say what the system believes is `left`')
  const left = units - unitsOf(truth.orders)
  // Of an oversold item nothing is left, however that is written.
  const agrees = (truth.left <= left && truth.left >= left - openCarts) || (left < 0 && truth.left <= 0)
  return judgement(
    promise,
    'the counter is what the orders leave',
    agrees,
    `the system believes ${truth.left} of ${units} are left; its orders leave ${left}${openCarts === 0 ? '' : `, and ${openCarts} carts are open`}`,
    { units, unitsInOrders: unitsOf(truth.orders), counterSaysLeft: truth.left },
  )
}

function payments({ truth: { orders, payments } }: Aftermath): Judged {
  const promise = 'paid-once-issued-once'
  if (payments === undefined) return unsaid(promise, '`truth` names no `payments`')
  const living = new Set(orders.map(({ id }) => id))
  const twice = [...Map.groupBy(payments, ({ order }) => order)].find(
    ([order, rows]) => order != null && rows.length > 1,
  )
  const homeless = payments.find(({ order }) => order == null || !living.has(order))
  const paid = new Set(payments.map(({ order }) => order))
  const priced = orders.filter(({ cents }) => (cents ?? 0) > 0)
  const unpaid = priced.filter(({ id }) => !paid.has(id))
  const sum = (rows: readonly { readonly cents?: number | null | undefined }[]) =>
    rows.reduce((total, { cents }) => total + (cents ?? 0), 0)
  const cents = payments.some(({ cents }) => cents != null)
    ? `, ${sum(payments)} cents for ${sum(orders)}`
    : ''
  const detail = `${payments.length} payments for ${orders.length} orders${cents}`
  return judged(
    judgement(
      promise,
      'no order is paid twice',
      twice === undefined,
      twice === undefined ? detail : `${detail}: order ${twice[0]} has ${twice[1].length}`,
      twice?.[1].slice(0, ROWS_SHOWN),
    ),
    judgement(
      promise,
      'every payment has a living order',
      homeless === undefined,
      homeless === undefined
        ? detail
        : `${detail}: payment ${homeless.id} stands for ${homeless.order ?? 'no order'}`,
      homeless,
    ),
    judgement(
      promise,
      'where orders are paid, none goes unpaid',
      unpaid.length === 0 || unpaid.length === priced.length,
      unpaid.length === 0 ? detail : `${detail}: ${unpaid.length} have none, such as ${unpaid[0]?.id}`,
      unpaid.slice(0, ROWS_SHOWN),
    ),
  )
}

function tickets({ truth: { orders } }: Aftermath): Judged {
  const promise = 'paid-once-issued-once'
  const issued = orders.flatMap(({ id, tickets, units }) =>
    tickets == null ? [] : [{ id, tickets, units: units ?? 1 }],
  )
  if (issued.length === 0) return judged()
  const codes = issued.flatMap(({ id, tickets }) => tickets.map((ticket) => ({ ticket, order: id })))
  const twice = [...Map.groupBy(codes, ({ ticket }) => ticket).values()].find((rows) => rows.length > 1)
  const tooMany = issued.find(({ tickets, units }) => tickets.length > units)
  const detail = `${codes.length} tickets for ${unitsOf(issued)} units in ${issued.length} orders`
  const name = 'each ticket is issued once'
  if (twice !== undefined)
    return judgement(promise, name, false, `${detail}: ${twice[0]?.ticket} is there twice`, twice)
  return judgement(
    promise,
    name,
    tooMany === undefined,
    tooMany === undefined
      ? detail
      : `${detail}: order ${tooMany.id} has ${tooMany.tickets.length} for ${tooMany.units}`,
    tooMany,
  )
}

function saidLast(who: Shopper): string {
  const last = finalOf(who)
  return `${last?.outcome} (${last?.answer})`
}

/** What one buyer was told, for a witness. */
export function historyOf({ buyer, answers }: Shopper) {
  return {
    buyer: buyer.email,
    answers: answers
      .filter(({ outcome }) => outcome !== 'open')
      .map(({ step, outcome, answer, order }) => ({
        step,
        outcome,
        answer,
        ...(order === undefined ? {} : { order }),
      })),
  }
}
