import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type pg from 'pg'
import { GUARANTEES, type Protection } from '../../src/core/guarantees.ts'
import { takeAway } from '../../src/proof/sabotage/sabotage.ts'
import { addTier, buyTickets, openBoxOffice } from '../support/box-office.ts'
import { guestOrder } from '../support/buying.ts'
import { assertLawful } from '../support/callers.ts'
import { testDatabase } from '../support/database.ts'

const protections = GUARANTEES.flatMap((g) => g.protections.map((p) => ({ guarantee: g, protection: p })))

describe('any one refusing protection taken away', () => {
  // Where each refusal is needed, sabotage shows what one less lets in.
  const refusing = protections.filter(
    ({ guarantee, protection }) => protection.role === 'refuses' && guarantee.refusesAlone !== true,
  )
  for (const { guarantee, protection } of refusing) {
    it(`${guarantee.name} holds without ${protection.name} on ${protection.object}, and the verbs answer with codes`, async () => {
      const codes = await attackWithout(protection)
      assert.deepEqual(
        codes.filter((code) => !KNOWN_CODES.has(code)),
        [],
      )
      for (const code of [
        'success',
        'INSUFFICIENT_TICKETS',
        'ALREADY_USED',
        'INSUFFICIENT_SPOTS',
        'SLOT_FULL',
      ])
        assert.ok(codes.includes(code), `nobody was answered ${code}`)
    })
  }
})

const KNOWN_CODES = new Set([
  'success',
  'INSUFFICIENT_TICKETS',
  'LOCK_TIMEOUT',
  'IDEMPOTENCY_KEY_REUSED',
  'ALREADY_USED',
  'INSUFFICIENT_SPOTS',
  'SLOT_FULL',
])
const ATTACKERS = 6
const ROUNDS = 4

/** A short run of everything at once on a database of its own, judged by the laws; gives the codes of the answers. */
async function attackWithout(protection: Protection): Promise<readonly string[]> {
  const target = await openTarget()
  const { db, tierId, cart } = target
  await takeAway(db.client, protection)
  const codes: string[] = []
  const ask = async (client: pg.Client, [sql, values]: Statement) => {
    const answer = Object.values((await client.query(sql, [...values])).rows[0] ?? {})[0] as Answer
    codes.push(answer.success ? 'success' : (answer.error_code ?? answer.error ?? 'no code'))
    return answer.success
  }
  const attack = async (_: unknown, attacker: number) => {
    const client = await db.connect()
    await client.query(`set deadlock_timeout = '50ms'`)
    for (let n = 0; n < ROUNDS; n++)
      for (const statement of round(target, `attacker ${attacker}`, n)) await ask(client, statement)
  }
  await Promise.all(Array.from({ length: ATTACKERS }, attack))
  // What is left is sold to the last ticket: no more, no fewer.
  await db.rows('select expire_ticket_holds()')
  const reserve: Statement = ['select reserve_tickets_batch($1)', [cart]]
  for (let n = 0; n < 10 && (await ask(db.client, reserve)); n++);
  const left = 'select total_quantity - sold_quantity - reserved_quantity from ticket_tiers where id = $1'
  assert.equal(await db.value(left, [tierId]), 0)
  await assertLawful(db)
  return codes
}

interface Answer {
  readonly success: boolean
  readonly error?: string
  readonly error_code?: string
}

type Statement = readonly [sql: string, values: readonly unknown[]]
type Target = Awaited<ReturnType<typeof openTarget>>

/** Nine places of which five are lapsed holds, tickets to scan, an offer and a slot: all of them too few. */
async function openTarget() {
  const db = await testDatabase()
  const { businessId, eventId, staffId } = await openBoxOffice(db)
  const tierId = await addTier(db, eventId, { total: 9 })
  const tickets = await buyTickets(db, eventId, await addTier(db, eventId), ROUNDS)
  await db.rows(
    `insert into ticket_holds (event_id, tier_id, session_id, quantity, expires_at)
     select $1, $2, 'lapsed ' || n, 1, now() - interval '1 minute' from generate_series(1, 5) n`,
    [eventId, tierId],
  )
  const offerId = await db.value<string>(
    `with d as (insert into discounts (business_id, title, total_people) values ($1, 'Offer', 5) returning id),
          s as (insert into slots (business_id, weekday, time_from, time_to, capacity, max_party_size)
                values ($1, 5, '19:00', '22:00', 5, 10))
     select id from d`,
    [businessId],
  )
  await db.rows(`select set_config('deadlock_timeout', '50ms', false)`)
  const cart = JSON.stringify([{ tier_id: tierId, quantity: 1 }])
  return { db, businessId, eventId, staffId, tierId, tickets, offerId, cart }
}

/** One of everything, as one attacker asks for it in its n-th round. */
function round(target: Target, session: string, n: number): readonly Statement[] {
  const { businessId, eventId, staffId, tierId, tickets, offerId, cart } = target
  const scanned = `jsonb_build_object('success', success, 'error', case when already_scanned then 'ALREADY_USED' else error_message end)`
  return [
    ['select reserve_tickets_batch($1, $2)', [cart, session]],
    ['select ticketing.checkout($1)', [guestOrder(eventId, tierId, 1, `key ${n}`)]],
    ['select reserve_tickets_batch($1, $2)', [cart, 'shared']],
    [`select ${scanned} from scan_ticket_atomic($1, $2)`, [tickets[n], staffId]],
    [`select ${scanned} from sync_offline_scan($1, $2, now(), $3)`, [tickets[n], staffId, session]],
    ['select claim_offer_spots_atomically($1, 1)', [offerId]],
    [`select book_slot_atomically($1, '2083-01-01', '19:30', 1, 'Ada')`, [businessId]],
    [`select jsonb_build_object('success', true, 'expired', expire_ticket_holds())`, []],
    ...(n % 2 === 0 ? ([['select release_ticket_holds($1)', [session]]] as const) : []),
  ]
}
