import assert from 'node:assert/strict'
import { accountsOf, leftOf, type Stand, TICKET } from './money-accounts.ts'
import type { World } from './money-world.ts'

/** At every moment: no order is refunded while money of its tickets is still to go. */
export async function judgeStatus({ db, order }: World): Promise<void> {
  const early = await db.value<boolean>(
    `select o.status = 'refunded' and exists (
       select from ticketing.refunds r join ticketing.payments p on p.id = r.payment_id and p.status = 'kept'
       where r.order_id = o.id and r.status in ('queued', 'pending') and r.cause <> 'dashboard' and not exists (
         select from ticketing.refunds s where s.order_id = o.id and s.status = 'succeeded'
         having sum(s.amount_cents) >= p.amount_cents))
     from orders o where o.id = $1`,
    [order.orderId],
  )
  assert.equal(early, false, 'refunded, says the order, and the money has not gone')
}

interface Facts {
  readonly status: string
  readonly total: number
  readonly held: number
  readonly payments: readonly { id: string; status: string; reason: string | null; amount: number }[]
  readonly refunds: readonly {
    id: string
    payment: string
    status: string
    cause: string
    amount: number
    tickets: readonly string[]
  }[]
  readonly tickets: Readonly<Record<string, string>>
  readonly accounts: Readonly<Record<string, number>>
  readonly laws: readonly string[]
}

/** Compares what the database says with what the provider has. Throws with what parts. */
export async function judge(world: World): Promise<void> {
  const facts = await factsOf(world)
  const living = Object.values(facts.tickets).filter((status) => !['refunding', 'refunded'].includes(status))
  const stands: Stand[] = []
  for (const payment of facts.payments) {
    const paid = world.payments.find(({ id }) => id === payment.id)
    assert.ok(paid !== undefined, `${payment.id} counts for the order, and is none of its sessions`)
    const bought = payment.status === 'kept' ? living.length : 0
    const stand: Stand = {
      amount: paid.amount,
      tickets: bought * TICKET.price,
      fees: bought * TICKET.fee,
      sent: world.sumOf(paid.id, 'succeeded'),
      disputed: paid.disputed,
      ours: payment.status === 'kept' ? sumOfOurs(facts, payment.id) : 0,
    }
    stands.push(stand)
    judgeOwed(facts, payment.id, leftOf(stand) - world.sumOf(paid.id, 'pending'))
    if (payment.status === 'returned' && payment.reason !== 'SECOND_PAYMENT')
      assert.notEqual(facts.status, 'pending', 'its payment went back, and the order waits')
    if (payment.status === 'kept' && facts.status === 'refunded')
      assert.ok(
        leftOf(stand) <= 0 && stand.ours === 0 && (paid.disputed === 0 || stand.sent >= paid.amount),
        'refunded, says the order, and the money did not go',
      )
  }
  assert.deepEqual(facts.accounts, accountsOf(stands))
  if (facts.status !== 'pending') assert.equal(facts.held, 0, 'places are blocked for an order that ended')
  judgeTickets(world, facts)
}

/** Owed back is zero, or it is on its way, or ten tries failed and the law says so with the sum. */
function judgeOwed(facts: Facts, payment: string, owed: number): void {
  const mine = facts.refunds.filter((refund) => refund.payment === payment)
  const isSending = mine.some(({ status }) => status === 'queued' || status === 'pending')
  const row = `paid_once_issued_once ${payment} money is owed back, and it is not on its way ${owed}`
  const tries = mine.filter(
    ({ cause, status }) => !['staff', 'dashboard'].includes(cause) && status === 'failed',
  )
  const isGivenUp = owed > 0 && !isSending && tries.length >= 10
  if (owed > 0 && !isSending) assert.ok(isGivenUp, `${owed} are owed and nobody sends them`)
  assert.deepEqual(
    facts.laws.filter((law) => law.includes(payment)),
    isGivenUp ? [row] : [],
  )
}

function sumOfOurs(facts: Facts, payment: string): number {
  return facts.refunds
    .filter(
      ({ payment: its, status, cause }) =>
        its === payment && cause !== 'dashboard' && ['queued', 'pending'].includes(status),
    )
    .reduce((sum, { amount }) => sum + amount, 0)
}

/** No law is broken but the one about what is owed; whose money went, whose ticket does not admit. */
function judgeTickets(world: World, facts: Facts): void {
  assert.deepEqual(
    facts.laws.filter((law) => !law.includes('money is owed back')),
    [],
  )
  for (const refund of world.refunds) {
    const ours = facts.refunds.find(({ id }) => id === refund.ours)
    if (refund.status === 'failed' || ours?.cause !== 'staff') continue
    for (const ticket of ours.tickets)
      assert.notEqual(facts.tickets[ticket], 'valid', 'its money went, and the ticket is valid')
  }
}

function factsOf({ db, order }: World): Promise<Facts> {
  return db.value<Facts>(
    `select jsonb_build_object('status', o.status, 'total', o.total_cents,
       'held', (select count(*) from ticket_holds h where h.order_id = o.id and h.status = 'active'),
       'payments', (select coalesce(jsonb_agg(jsonb_build_object('id', p.id, 'status', p.status, 'reason', p.reason, 'amount', p.amount_cents)), '[]')
          from ticketing.payments p where p.order_id = o.id),
       'refunds', (select coalesce(jsonb_agg(jsonb_build_object('id', r.id, 'payment', r.payment_id, 'status', r.status, 'cause', r.cause,
          'amount', r.amount_cents, 'tickets', r.ticket_ids)), '[]') from ticketing.refunds r where r.order_id = o.id),
       'tickets', (select coalesce(jsonb_object_agg(t.id, t.status), '{}') from tickets t where t.order_id = o.id),
       'accounts', (select coalesce(jsonb_object_agg(b.account, b.cents), '{}') from (
          select account, sum(amount_cents) as cents from ticketing.ledger_entries where order_id = o.id
          group by account having sum(amount_cents) <> 0) b),
       'laws', (select coalesce(jsonb_agg(l.row), '[]') from (
          select concat_ws(' ', 'paid_once_issued_once', payment_id, broken, cents) as row
            from ticketing.law_paid_once_issued_once where order_id = o.id
          union all
          select concat_ws(' ', 'books_balance', broken, expected, booked) from ticketing.law_books_balance where order_id = o.id) l))
     from orders o where o.id = $1`,
    [order.orderId],
  )
}
