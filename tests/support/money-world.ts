import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { addTier, type BoxOffice } from './box-office.ts'
import type { TestDatabase } from './database.ts'
import { eventOf, type MoneyAnswer, type PlacedOrder, placeOrder, sessionOf } from './money.ts'
import { TICKET } from './money-accounts.ts'
import type { Step } from './money-history.ts'

/** A refund as the provider has it. */
interface Sent {
  readonly id: string
  readonly payment: string
  readonly amount: number
  readonly ours: string | undefined
  status: 'pending' | 'succeeded' | 'failed'
}

interface Paid {
  readonly id: string
  readonly amount: number
  disputed: number
}

/** One order, and a provider that is the truth about its money. */
export async function openWorld(db: TestDatabase, box: BoxOffice) {
  const eventId = await openEvent(db, box)
  const tierId = await addTier(db, eventId, { priceCents: TICKET.price })
  const order = await placeOrder(db, { eventId, tierId, quantity: 3 })
  return new World(db, order)
}

/** An event that is a day away and whose tickets of {@link TICKET} have its fee. */
export const openEvent = (db: TestDatabase, { businessId }: BoxOffice): Promise<string> =>
  db.value<string>(
    `insert into events (business_id, slug, title, start_at, end_at, status, fee_fixed_cents, fee_basis_points)
     values ($1, 'h-' || gen_random_uuid(), 'History', now() + interval '1 day', now() + interval '2 days', 'published', 30, 200)
     returning id`,
    [businessId],
  )

export class World {
  readonly db: TestDatabase
  readonly order: PlacedOrder
  readonly payments: Paid[] = []
  readonly refunds: Sent[] = []
  readonly waiting: object[] = []
  readonly delivered: object[] = []
  readonly disputes = new Map<string, { payment: Paid; amount: number; status: string }>()
  isPaid = false
  isForNothing = false
  refusesAll = false

  constructor(db: TestDatabase, order: PlacedOrder) {
    this.db = db
    this.order = order
  }

  async step({ does, n }: Step): Promise<void> {
    await this.moves[does](n)
  }

  private readonly moves: Readonly<Record<Step['does'], (n: number) => unknown>> = {
    pay: (n) => this.pay('pay', n),
    'pay delayed': (n) => this.pay('pay delayed', n),
    'pay wrong': (n) => this.pay('pay wrong', n),
    'pay twice': () => this.isPaid && this.capture(`pi_second_${randomUUID()}`, this.order.totalCents),
    'stranger pays': (n) => this.strangerPays(n),
    'session ends': () => this.sessionEnds(),
    deliver: (n) => this.deliver(n),
    'deliver again': (n) => this.receive(pick(this.delivered, n)),
    'staff refunds': (n) => this.staffRefunds(n),
    job: (n) => this.job(n),
    'dashboard refunds a part': (n) => this.dashboard(n, false),
    'dashboard refunds all': (n) => this.dashboard(n, true),
    'provider settles': (n) =>
      this.become(
        this.refunds.filter(({ status }) => status === 'pending'),
        n,
        n % 3 === 0 ? 'failed' : 'succeeded',
      ),
    'went and comes back': (n) =>
      this.become(
        this.refunds.filter(({ status }) => status === 'succeeded'),
        n,
        'failed',
      ),
    'foreign refund': (n) => this.foreignRefund(n),
    list: () => this.list(),
    dispute: (n) => this.dispute(n),
    'dispute closes': (n) => this.disputeCloses(n),
    scan: (n) => this.scan(n),
    void: (n) => this.void(n),
    'event is cancelled': () => this.end(`status = 'cancelled'`),
    'event is over': () =>
      this.end(`start_at = now() - interval '2 days', end_at = now() - interval '1 second'`),
    'provider refuses everything': () => {
      this.refusesAll = true
    },
  }

  /** All that was told arrives, in any order; hours pass, until nothing is due any more. */
  async rest(n: number): Promise<void> {
    for (let at = n; this.waiting.length > 0; at = Math.floor(at / 7) + 1) await this.deliver(at)
    await this.list()
    for (let round = 0; round < 30 && (await this.job(SUCCEED)) > 0; round++) {
      for (const refund of this.refunds) if (refund.status === 'pending') this.set(refund, 'succeeded')
      while (this.waiting.length > 0) await this.deliver(0)
    }
  }

  private async pay(does: string, n: number): Promise<void> {
    if (this.isPaid) return
    this.isPaid = true
    if (does === 'pay delayed')
      this.tell('checkout.session.completed', sessionOf(this.order, { payment_status: 'unpaid' }))
    this.capture(
      this.order.paymentId,
      does === 'pay wrong' ? 1 + (n % 9999) : this.order.totalCents,
      does === 'pay delayed' ? 'async_payment_succeeded' : 'completed',
    )
  }

  private sessionEnds(): void {
    const ended = { status: 'expired', payment_status: 'unpaid', payment_intent: null }
    if (!this.isPaid) this.tell('checkout.session.expired', sessionOf(this.order, ended))
  }

  private capture(id: string, amount: number, type = 'completed'): void {
    this.payments.push({ id, amount, disputed: 0 })
    this.tell(`checkout.session.${type}`, sessionOf(this.order, { payment_intent: id, amount_total: amount }))
  }

  private async strangerPays(n: number): Promise<void> {
    const stranger = {
      ...this.order,
      sessionId: `cs_${randomUUID()}`,
      paymentId: `pi_foreign_${randomUUID()}`,
    }
    this.tell(
      'checkout.session.completed',
      sessionOf(stranger, { metadata: {}, amount_total: n % 2 === 0 ? this.order.totalCents : 700 }),
    )
  }

  private tell(type: string, object: object): void {
    this.waiting.push(eventOf(type, object))
  }

  private async deliver(n: number): Promise<void> {
    const [event] = this.waiting.splice(n % Math.max(1, this.waiting.length), 1)
    if (event !== undefined) this.delivered.push(event)
    await this.receive(event)
  }

  private async receive(event: object | undefined): Promise<void> {
    if (event === undefined) return
    const answer = await this.db.value<MoneyAnswer>('select ticketing.receive_webhook($1)', [event])
    assert.equal(answer.success, true)
    if (answer.outcome === 'ISSUED' && !answer.duplicate)
      assert.equal(this.isForNothing, false, 'tickets were issued for an event that is over')
  }

  private async tickets(...statuses: string[]): Promise<string[]> {
    const rows = await this.db.rows<{ id: string }>(
      'select id from tickets where order_id = $1 and status = any ($2) order by ordinal',
      [this.order.orderId, statuses],
    )
    return rows.map(({ id }) => id)
  }

  private async staffRefunds(n: number): Promise<void> {
    const ids = await this.tickets('valid', 'used', 'refunded', 'void')
    const some = n % 3 === 0 ? null : ids.filter((_, at) => ((n >> at) & 1) === 1)
    if (some?.length === 0) return
    await this.db.value('select ticketing.request_refund($1, $2, null, $3)', [
      this.order.orderId,
      some,
      n % 5 > 0,
    ])
  }

  /** The job's turn: how the provider answers is left to chance. Answers how many were due. */
  private async job(n: number): Promise<number> {
    await this.db.rows('update ticketing.refunds set ask_at = now() where order_id = $1 and ask_at > now()', [
      this.order.orderId,
    ])
    const due = await this.db.value<Due[]>('select ticketing.due_refunds(50)')
    const mine = due.filter(({ order_id }) => order_id === this.order.orderId)
    for (const [at, refund] of mine.entries())
      await this.send(refund, n === SUCCEED ? n : Math.floor(n / 8 ** at))
    return mine.length
  }

  private async send(due: Due, n: number): Promise<void> {
    const known = this.refunds.find(({ id, ours }) => id === due.provider_refund_id || ours === due.refund_id)
    const answers = n === SUCCEED ? 0 : n % 8
    if (known !== undefined) return this.settle(known, due.refund_id)
    if (this.refusesAll || answers === 1 || due.amount_cents > this.left(due.payment_id))
      return this.refuse(due)
    // No answer, and nothing was done.
    if (answers === 2) return
    const sent = this.make(
      due.payment_id,
      due.amount_cents,
      answers === 3 || answers === 4 ? 'pending' : 'succeeded',
      due.refund_id,
    )
    // No answer, and it was done; or it is said to be refused, and it is there.
    if (answers === 5) return
    return answers === 4 || answers === 6 ? this.refuse(due) : this.settle(sent, due.refund_id)
  }

  private async refuse({ refund_id }: Due): Promise<void> {
    await this.db.value(`select ticketing.refuse_refund($1, 'no')`, [refund_id])
  }

  private async settle(sent: Sent, id: string | null = null): Promise<void> {
    await this.db.value('select ticketing.settle_refund($1, $2)', [objectOf(sent), id])
  }

  /** What the provider would still send back of a payment. */
  private left(payment: string): number {
    const paid = this.payments.find(({ id }) => id === payment)
    if (paid === undefined) return 0
    return paid.amount - paid.disputed - this.sumOf(payment, 'pending', 'succeeded')
  }

  sumOf(payment: string, ...statuses: Sent['status'][]): number {
    return this.refunds
      .filter((refund) => refund.payment === payment && statuses.includes(refund.status))
      .reduce((sum, { amount }) => sum + amount, 0)
  }

  private make(payment: string, amount: number, status: Sent['status'], ours?: string): Sent {
    const sent: Sent = { id: `re_${randomUUID()}`, payment, amount, ours, status }
    this.refunds.push(sent)
    this.tell('refund.created', objectOf(sent))
    return sent
  }

  private async dashboard(n: number, isAll: boolean): Promise<void> {
    const paid = pick(this.payments, n)
    if (paid === undefined) return
    const left = this.left(paid.id)
    const amount = isAll ? left : 1 + (n % Math.max(1, left))
    if (left > 0 && amount <= left) this.make(paid.id, amount, n % 4 === 0 ? 'pending' : 'succeeded')
  }

  private async become(from: Sent[], n: number, status: Sent['status']): Promise<void> {
    const refund = pick(from, n)
    if (refund !== undefined) this.set(refund, status)
  }

  private set(refund: Sent, status: Sent['status']): void {
    refund.status = status
    this.tell(status === 'failed' ? 'refund.failed' : 'refund.updated', objectOf(refund))
  }

  /** A refund of a stranger's payment that names one of ours. */
  private async foreignRefund(n: number): Promise<void> {
    const rows = await this.db.rows<{ id: string; amount: number }>(
      'select id, amount_cents::int as amount from ticketing.refunds where order_id = $1 order by created_at, id',
      [this.order.orderId],
    )
    const named = pick(rows, n)
    if (named === undefined) return
    const foreign = {
      id: `re_${randomUUID()}`,
      payment: 'pi_foreign',
      amount: named.amount,
      ours: named.id,
      status: 'succeeded',
    } as const
    this.tell('refund.created', objectOf(foreign))
  }

  private async list(): Promise<void> {
    for (const refund of this.refunds) await this.settle(refund)
  }

  private async dispute(n: number): Promise<void> {
    const paid = pick(this.payments, n)
    if (
      paid === undefined ||
      paid.disputed > 0 ||
      [...this.disputes.values()].some(({ payment }) => payment === paid)
    )
      return
    const amount = n % 2 === 0 ? paid.amount : 1 + (n % paid.amount)
    paid.disputed = amount
    const id = `dp_${randomUUID()}`
    this.disputes.set(id, { payment: paid, amount, status: 'needs_response' })
    this.tell('charge.dispute.created', { id, payment_intent: paid.id, amount, status: 'needs_response' })
  }

  private async disputeCloses(n: number): Promise<void> {
    const open = pick(
      [...this.disputes].filter(([, { status }]) => status === 'needs_response'),
      n,
    )
    if (open === undefined) return
    const [id, dispute] = open
    dispute.status = n % 2 === 0 ? 'won' : 'lost'
    if (dispute.status === 'won') dispute.payment.disputed = 0
    this.tell('charge.dispute.closed', {
      id,
      payment_intent: dispute.payment.id,
      amount: dispute.amount,
      status: dispute.status,
    })
  }

  private async scan(n: number): Promise<void> {
    const id = pick(await this.tickets('valid', 'used', 'refunding', 'void'), n)
    if (id !== undefined) await this.db.rows('select * from scan_ticket_atomic($1, gen_random_uuid())', [id])
  }

  private async void(n: number): Promise<void> {
    const ids = (await this.tickets('valid')).filter((_, at) => ((n >> at) & 1) === 1)
    if (ids.length > 0)
      await this.db.value(`select ticketing.void_tickets($1, $2, 'fraud', $3)`, [
        this.order.orderId,
        ids,
        n % 2 === 0,
      ])
  }

  private async end(change: string): Promise<void> {
    this.isForNothing = true
    await this.db.rows(`update events set ${change} where id = $1`, [this.order.eventId])
  }
}

/** The provider does what it is asked, at once. */
const SUCCEED = -1

interface Due {
  readonly refund_id: string
  readonly order_id: string
  readonly payment_id: string
  readonly amount_cents: number
  readonly provider_refund_id: string | null
}

const pick = <T>(list: readonly T[], n: number): T | undefined => list[n % Math.max(1, list.length)]

const objectOf = ({ id, payment, amount, ours, status }: Sent) => ({
  id,
  object: 'refund',
  payment_intent: payment,
  amount,
  currency: 'eur',
  status,
  metadata: ours === undefined ? {} : { refund_id: ours },
})
