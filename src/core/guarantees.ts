import { ACKNOWLEDGED_IS_DURABLE } from './acknowledged-is-durable.ts'
import type { Guarantee } from './guarantee.ts'
import { NEVER_OVERSOLD } from './never-oversold.ts'
import { OFFERS_AND_SLOTS_FIT } from './offers-and-slots-fit.ts'
import { ONLY_YOURS } from './only-yours.ts'

export type { Guarantee, Protection } from './guarantee.ts'

/**
 * The guarantees: the one list that the README, verify_protections(), the laws, the sabotage and the report derive from.
 * `sql/protections.sql` is written from it (`npm run generate`).
 */
export const GUARANTEES: readonly Guarantee[] = [
  NEVER_OVERSOLD,
  {
    number: 2,
    name: 'never-undersold',
    promise: '"Sold out" is said only when it is true; what expires or is released comes back.',
    laws: ['never_undersold'],
    scenarios: [
      'concurrent-checkout',
      'last-ticket-duel',
      'abandoned-carts',
      'refund-and-resell',
      'reserve-race',
    ],
    protections: [
      {
        name: 'due holds end before a refusal',
        role: 'refuses',
        kind: 'decision',
        object: 'ticketing.make_room',
        uses: ['ticketing.expire_due_holds', 'ticketing.has_due_holds'],
        without: [['ticketing.make_room', 'ticketing.expire_due_holds(p_tier_id, p_now, 1000) > 0', 'false']],
      },
      {
        name: 'expiry job',
        role: 'refuses',
        kind: 'decision',
        object: 'ticketing.expire_ticket_holds',
        uses: ['ticketing.expire_due_holds'],
        without: [['ticketing.expire_ticket_holds', 't.reserved_quantity > 0', 'false']],
      },
      {
        name: 'check_counters_not_negative',
        role: 'refuses',
        kind: 'constraint',
        object: 'public.ticket_tiers',
      },
    ],
  },
  {
    number: 3,
    name: 'holds-hold',
    promise:
      'An active hold is yours until it says it ends: one per session and tier, by the clock of the database.',
    laws: ['holds_hold'],
    scenarios: ['hold-churn', 'abandoned-carts'],
    protections: [
      {
        name: 'session and end judged under the tier lock',
        role: 'refuses',
        kind: 'decision',
        object: 'ticketing.hold_tiers',
        uses: ['ticketing.hold_tiers', 'ticketing.write_holds', 'ticketing.expire_due_holds'],
        without: [
          [
            'ticketing.read_or_expire_hold',
            "h.tier_id is not distinct from p_tier_id and h.status = 'active'",
            'false',
          ],
          ['ticketing.expire_due_holds', 'd.expires_at <= p_now', 'true'],
        ],
      },
      {
        name: 'uniq_active_hold_session_tier',
        role: 'refuses',
        kind: 'index',
        object: 'public.ticket_holds',
      },
      { name: 'trg_hold_legal_change', role: 'refuses', kind: 'trigger', object: 'public.ticket_holds' },
    ],
  },
  {
    number: 4,
    name: 'paid-once-issued-once',
    promise:
      'One order, one payment kept, its tickets issued once, whatever the webhooks do; every other payment goes back, once.',
    laws: ['paid_once_issued_once'],
    scenarios: [
      'ticket-purchase',
      'pay-at-the-last-second',
      'cancel-the-event',
      'webhook-burst',
      'webhook-chaos',
    ],
    protections: [
      {
        name: 'decision under the order lock',
        role: 'refuses',
        kind: 'decision',
        object: 'ticketing.take_payment',
        uses: [
          ...['ticketing.take_payment', 'ticketing.receive_webhook', 'ticketing.apply_session'],
          ...['ticketing.lock_session_told', 'ticketing.find_refund', 'ticketing.money_of'],
          ...['ticketing.queue_owed', 'ticketing.settle_order', 'ticketing.write_tickets'],
        ],
        without: [
          ['ticketing.lock_order', "perform ticketing.lock_key('order:' || p_order_id);", ''],
          ['ticketing.lock_order', ' for no key update;', ';'],
          ['ticketing.known_payment', 'return ticketing.payment_outcome(p_payment_id);', 'return null;'],
          [
            'ticketing.return_reason',
            "exists (select from ticketing.payments p where p.order_id = p_order.id and p.status = 'kept')",
            'false',
          ],
          ['ticketing.return_reason', "p_order.status not in ('pending', 'expired')", 'false'],
          [
            'ticketing.issue_order_tickets',
            'elsif v_order.tickets_issued_at is not null then',
            'elsif false then',
          ],
        ],
      },
      { name: 'webhook_events_pkey', role: 'refuses', kind: 'constraint', object: 'public.webhook_events' },
      { name: 'payments_pkey', role: 'refuses', kind: 'constraint', object: 'ticketing.payments' },
      { name: 'uniq_kept_payment_order', role: 'refuses', kind: 'index', object: 'ticketing.payments' },
      { name: 'uniq_return_payment', role: 'refuses', kind: 'index', object: 'ticketing.refunds' },
      {
        name: 'uniq_ticket_order_item_ordinal',
        role: 'refuses',
        kind: 'constraint',
        object: 'public.tickets',
      },
      { name: 'trg_refuse_truncate', role: 'guards', kind: 'trigger', object: 'public.webhook_events' },
      { name: 'trg_refuse_truncate', role: 'guards', kind: 'trigger', object: 'ticketing.payments' },
    ],
  },
  {
    number: 5,
    name: 'admitted-once',
    promise:
      'A ticket, a claim or a booking opens a gate once; what gates without network let in besides is reported.',
    laws: ['admitted_once', 'party_admitted_once'],
    scenarios: ['scanner-burst', 'scanner-stress', 'offline-gates'],
    protections: [
      {
        name: 'conditional update',
        role: 'refuses',
        kind: 'decision',
        object: 'ticketing.admit_ticket',
        uses: [
          ...['ticketing.is_replay', 'ticketing.is_same_scan', 'ticketing.kept_scan_id'],
          ...['ticketing.log_scan', 'ticketing.log_judged_scan', 'ticketing.restore_winner'],
          ...['ticketing.was_undone', 'ticketing.was_judged'],
          ...['ticketing.scan_refusal', 'ticketing.closed_door'],
        ],
        without: [
          [
            'ticketing.admit_ticket',
            "where t.id = p_ticket_id and t.status = 'valid'",
            'where t.id = p_ticket_id',
          ],
        ],
      },
      {
        name: 'decision about offline scans under the ticket lock',
        role: 'refuses',
        kind: 'decision',
        object: 'ticketing.admit_offline',
        uses: [
          ...['ticketing.write_offline_scan', 'ticketing.own_scan', 'ticketing.offline_refusal'],
          ...['ticketing.is_before', 'ticketing.is_claimed', 'ticketing.is_only_claimed'],
          ...['ticketing.is_same_scan', 'ticketing.is_told_again', 'ticketing.scan_refusal'],
          ...['ticketing.believed_scan', 'ticketing.give_back_tickets', 'ticketing.count_first_opening'],
          ...['ticketing.log_scan', 'ticketing.restore_winner', 'ticketing.touch_ticket'],
        ],
        without: [
          ['ticketing.lock_scanned', ' for no key update;', ';'],
          [
            'ticketing.admit_offline',
            "v_ticket.status = 'valid' or ticketing.is_before(v_own, v_winner)",
            'true',
          ],
        ],
      },
      { name: 'uniq_successful_scan', role: 'refuses', kind: 'index', object: 'public.scan_logs' },
      {
        name: 'decision under the lock of a claim',
        role: 'refuses',
        kind: 'decision',
        object: 'ticketing.redeem_claim',
        uses: [
          ...['ticketing.admit_party', 'ticketing.is_replay', 'ticketing.is_same_scan', 'ticketing.outside'],
          ...['ticketing.log_scan', 'ticketing.log_judged_scan'],
          ...['ticketing.was_undone', 'ticketing.was_judged'],
        ],
        without: [['ticketing.redeem_claim', "when 'redeemed' then 'ALREADY_USED'", '']],
      },
      {
        name: 'decision under the lock of a booking',
        role: 'refuses',
        kind: 'decision',
        object: 'ticketing.check_in_booking',
        uses: [
          ...['ticketing.admit_party', 'ticketing.is_replay', 'ticketing.is_same_scan'],
          ...['ticketing.log_scan', 'ticketing.log_judged_scan'],
          ...['ticketing.was_undone', 'ticketing.was_judged'],
          ...['ticketing.outside', 'ticketing.slot_evening'],
        ],
        without: [
          [
            'ticketing.check_in_booking',
            "case v_booking.status when 'checked_in' then 'ALREADY_USED' when",
            "case replace(v_booking.status, 'checked_in', 'confirmed') when",
          ],
        ],
      },
      {
        name: 'what a code stands for at a gate',
        role: 'guards',
        kind: 'decision',
        object: 'ticketing.find_code',
        uses: ['ticketing.validate_qr'],
        without: [['ticketing.find_code', ' and e.business_id = p_business_id', '']],
      },
      {
        name: 'what a gate keeps',
        role: 'guards',
        kind: 'decision',
        object: 'ticketing.gate_list',
        uses: ['ticketing.gate_code', 'ticketing.transactions_life'],
        without: [['ticketing.gate_list', 'pg_snapshot_xmin(', 'pg_snapshot_xmax(']],
      },
      {
        name: 'who undoes a scan, and which',
        role: 'guards',
        kind: 'decision',
        object: 'ticketing.undo_scan',
        uses: [
          'ticketing.scan_to_undo',
          'ticketing.scans_of',
          'ticketing.scanned_thing',
          'ticketing.write_undo',
        ],
        without: [['ticketing.undo_scan', 'v_scan.scanned_by is distinct from v_caller.user_id', 'false']],
      },
      { name: 'uniq_undo', role: 'guards', kind: 'index', object: 'public.scan_logs' },
      { name: 'trg_refuse_undo_change', role: 'guards', kind: 'trigger', object: 'public.scan_logs' },
      { name: 'trg_note_ticket_change', role: 'guards', kind: 'trigger', object: 'public.tickets' },
      { name: 'trg_note_ticket_deletion', role: 'guards', kind: 'trigger', object: 'public.tickets' },
      { name: 'trg_refuse_code_change', role: 'guards', kind: 'trigger', object: 'public.tickets' },
      { name: 'uniq_ticket_code', role: 'guards', kind: 'constraint', object: 'public.tickets' },
      { name: 'uniq_successful_scan_claim', role: 'refuses', kind: 'index', object: 'public.scan_logs' },
      { name: 'uniq_successful_scan_booking', role: 'refuses', kind: 'index', object: 'public.scan_logs' },
      { name: 'trg_refuse_truncate', role: 'guards', kind: 'trigger', object: 'public.scan_logs' },
    ],
  },
  OFFERS_AND_SLOTS_FIT,
  {
    number: 7,
    name: 'same-request-same-answer',
    promise: 'A repeated idempotency key gets what the first call won; another request under it is refused.',
    laws: ['same_request_same_answer'],
    scenarios: ['ticketing-flow', 'webhook-chaos'],
    protections: [
      {
        name: 'key and fingerprint judged under the lock',
        role: 'refuses',
        kind: 'decision',
        object: 'ticketing.buy',
        uses: [
          'ticketing.repeat_order',
          'ticketing.key_use',
          'ticketing.checkout',
          'ticketing.checkout_many',
          'ticketing.take_new_key',
          'ticketing.read_purchases',
        ],
        without: [
          ['ticketing.buy', "perform ticketing.lock_key('key:' || v_use.request_key);", ''],
          [
            'ticketing.take_new_key',
            "if not pg_try_advisory_xact_lock(hashtextextended('key:' || p_use.request_key, 0)) then",
            'if false then',
          ],
          ['ticketing.take_new_key', 'return not exists', 'return true or not exists'],
          ['ticketing.read_purchases', 'v_use.request_key = any (request_keys)', 'false'],
          ['ticketing.buy', 'if v_kept.key is not null then', 'if false then'],
        ],
      },
      {
        name: 'idempotency_keys_pkey',
        role: 'refuses',
        kind: 'constraint',
        object: 'public.idempotency_keys',
      },
      { name: 'uniq_order_request_key', role: 'refuses', kind: 'index', object: 'public.orders' },
      {
        name: 'key of a claim or a booking judged under the lock',
        role: 'refuses',
        kind: 'decision',
        object: 'ticketing.judge_key',
        without: [
          ['ticketing.judge_key', "perform ticketing.lock_key('key:' || request_key);", ''],
          ['ticketing.judge_key', 'if found and v_made.fingerprint', 'if false and v_made.fingerprint'],
          ['ticketing.judge_key', 'elsif found then', 'elsif false then'],
        ],
      },
      { name: 'uniq_claim_request_key', role: 'refuses', kind: 'index', object: 'public.offer_claims' },
      { name: 'uniq_booking_request_key', role: 'refuses', kind: 'index', object: 'public.reservations' },
    ],
  },
  {
    number: 8,
    name: 'books-balance',
    promise:
      'Money captured is tickets, fees, refunds, disputes and what is pending, per order and event, to the cent.',
    laws: ['books_balance'],
    scenarios: [
      'ticket-purchase',
      'refund-and-resell',
      'pay-at-the-last-second',
      'cancel-the-event',
      'webhook-burst',
      'webhook-chaos',
    ],
    protections: [
      {
        name: 'sum judged where it is booked',
        role: 'refuses',
        kind: 'decision',
        object: 'ticketing.book',
        uses: ['ticketing.level_books', 'ticketing.money_of'],
        without: [['ticketing.book', 'is distinct from 0 then', 'is null then']],
      },
      {
        name: 'trg_check_ledger_statement',
        role: 'refuses',
        kind: 'trigger',
        object: 'ticketing.ledger_entries',
      },
      {
        name: 'trg_check_ledger_balance',
        role: 'refuses',
        kind: 'trigger',
        object: 'ticketing.ledger_entries',
      },
      { name: 'uniq_ledger_cause', role: 'guards', kind: 'index', object: 'ticketing.ledger_entries' },
      { name: 'trg_ledger_append_only', role: 'guards', kind: 'trigger', object: 'ticketing.ledger_entries' },
      {
        name: 'trg_ledger_append_only_del',
        role: 'guards',
        kind: 'trigger',
        object: 'ticketing.ledger_entries',
      },
      { name: 'trg_refuse_truncate', role: 'guards', kind: 'trigger', object: 'ticketing.ledger_entries' },
    ],
  },
  ACKNOWLEDGED_IS_DURABLE,
  ONLY_YOURS,
]

/** The guarantees that a scenario puts under load. */
export function shownBy(scenario: string): string[] {
  return GUARANTEES.filter(({ scenarios }) => scenarios.includes(scenario)).map(({ name }) => name)
}
