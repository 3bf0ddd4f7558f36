/**
 * The races of buying that other box offices lost, each run twice: against a naive twin of the verb, which must lose it, and
 * against ours. A twin looks first and acts after; between the two it waits at a gate, so that who races has always looked
 * before anybody acts. Twins live without our protections, in a database of their own.
 */

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { GUARANTEES } from '../../src/core/guarantees.ts'
import { untilWaiting } from '../../src/proof/interleaving/lock-waits.ts'
import { takeAway } from '../../src/proof/sabotage/sabotage.ts'
import { addTier, openBoxOffice, type TierOptions } from '../support/box-office.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'

const GATE = `perform pg_advisory_xact_lock_shared(1);`

const TWINS = `
  -- Looks at what is left, then takes it.
  create function naive_hold(p_tier uuid, p_quantity integer) returns boolean language plpgsql as $$
  declare v_left integer;
  begin
    select total_quantity - (select coalesce(sum(h.quantity), 0) from ticket_holds h where h.tier_id = t.id and h.status = 'active')
      into v_left from ticket_tiers t where t.id = p_tier;
    ${GATE}
    if v_left < p_quantity then return false; end if;
    insert into ticket_holds (event_id, tier_id, session_id, quantity, expires_at)
      select event_id, id, gen_random_uuid()::text, p_quantity, now() + interval '15 minutes' from ticket_tiers where id = p_tier;
    return true;
  end $$;

  -- Judges a cart line by line, each as if it were alone.
  create function naive_cart(p_cart jsonb) returns boolean language plpgsql as $$
  declare v_line record;
  begin
    if exists (select from jsonb_to_recordset(p_cart) c(tier_id uuid, quantity integer) join ticket_tiers t on t.id = c.tier_id
               where c.quantity > t.total_quantity) then return false; end if;
    for v_line in select * from jsonb_to_recordset(p_cart) c(tier_id uuid, quantity integer) loop
      insert into ticket_holds (event_id, tier_id, session_id, quantity, expires_at)
        select event_id, id, gen_random_uuid()::text, v_line.quantity, now() + interval '15 minutes'
        from ticket_tiers where id = v_line.tier_id;
    end loop;
    return true;
  end $$;

  -- Locks the tiers as the cart names them.
  create function naive_locks(p_cart jsonb) returns boolean language plpgsql as $$
  declare v_line record;
  begin
    for v_line in select * from jsonb_to_recordset(p_cart) c(tier_id uuid, quantity integer) loop
      perform from ticket_tiers where id = v_line.tier_id for update;
      ${GATE}
    end loop;
    return true;
  end $$;

  -- Asks for the key's answer before it has the lock, and keeps no fingerprint.
  create table naive_keys (key text primary key, answer text);
  create function naive_keyed(p_key text, p_tier uuid, p_quantity integer) returns text language plpgsql as $$
  declare v_answer text;
  begin
    select answer into v_answer from naive_keys where key = p_key;
    if v_answer is not null then return v_answer; end if;
    ${GATE}
    perform from ticket_tiers where id = p_tier for update;
    if (select total_quantity - reserved_quantity from ticket_tiers where id = p_tier) < p_quantity then return 'sold out'; end if;
    update ticket_tiers set reserved_quantity = reserved_quantity + p_quantity where id = p_tier;
    insert into naive_keys values (p_key, 'held ' || p_quantity);
    return 'held ' || p_quantity;
  end $$;

  -- The box office's staff gives tickets away without the sale's lock.
  create function naive_comp(p_tier uuid) returns boolean language plpgsql as $$
  begin
    if (select coalesce(sum(h.quantity), 0) >= max(t.total_quantity) from ticket_tiers t
        left join ticket_holds h on h.tier_id = t.id and h.status = 'active' where t.id = p_tier) then return false; end if;
    ${GATE}
    insert into ticket_holds (event_id, tier_id, session_id, quantity, expires_at)
      select event_id, id, gen_random_uuid()::text, 1, now() + interval '1 day' from ticket_tiers where id = p_tier;
    return true;
  end $$;

  -- Makes a tier smaller after a look at what is taken of it.
  create function naive_shrink(p_tier uuid, p_total integer) returns boolean language plpgsql as $$
  declare v_taken integer := (select coalesce(sum(quantity), 0) from ticket_holds where tier_id = p_tier and status = 'active');
  begin
    ${GATE}
    if v_taken > p_total then return false; end if;
    update ticket_tiers set total_quantity = p_total where id = p_tier;
    return true;
  end $$;

  -- Moves the end whenever it is asked to.
  create function naive_extend(p_session text, p_minutes integer) returns boolean language plpgsql as $$
  begin
    update ticket_holds set expires_at = expires_at + make_interval(mins => p_minutes) where session_id = p_session;
    return found;
  end $$;

  -- Gives back what it saw to be due, though it may have been bought since.
  create function naive_sweep(p_tier uuid) returns integer language plpgsql as $$
  declare v_due uuid[] := array(select id from ticket_holds where tier_id = p_tier and status = 'active' and expires_at <= now());
  begin
    ${GATE}
    update ticket_holds set status = 'expired' where id = any (v_due);
    return cardinality(v_due);
  end $$;`

interface House {
  readonly db: TestDatabase
  readonly naive: boolean
  readonly eventId: string
  tier(options?: TierOptions): Promise<string>
}

async function openHouse(naive: boolean): Promise<House> {
  const db = await testDatabase()
  const { eventId } = await openBoxOffice(db)
  if (naive) {
    for (const { protections } of GUARANTEES)
      for (const protection of protections)
        if (protection.kind === 'trigger' || protection.kind === 'constraint')
          await takeAway(db.client, protection)
    await db.client.query(TWINS)
  }
  return { db, naive, eventId, tier: (options) => addTier(db, eventId, options) }
}

const [ours, theirs] = [await openHouse(false), await openHouse(true)]

/** Runs these at once: each on a connection of its own; the naive ones have all looked before one of them acts. */
async function race<T>(
  { db, naive }: House,
  works: readonly (readonly [sql: string, values: readonly unknown[]])[],
): Promise<(T | string)[]> {
  const gate = await db.connect()
  await gate.query('begin')
  await gate.query('select pg_advisory_xact_lock(1)')
  const answers = Promise.all(
    works.map(async ([sql, values]) => {
      const client = await db.connect()
      const row = client.query(sql, [...values]).then(({ rows }) => Object.values(rows[0] ?? {})[0] as T)
      return row.catch((error: { code?: string }) => String(error.code))
    }),
  )
  if (naive) await untilWaiting(db, works.length)
  await gate.query('commit')
  return answers
}

const taken = ({ db }: House, tierId: string) =>
  db.value<number>(
    `select coalesce(sum(quantity), 0)::int from ticket_holds where tier_id = $1 and status in ('active', 'converted')`,
    [tierId],
  )
const reserve = (house: House, tierId: string, quantity = 1) =>
  house.naive
    ? (['select naive_hold($1, $2)', [tierId, quantity]] as const)
    : (['select reserve_tickets_atomically($1, $2)', [tierId, quantity]] as const)
const cartOf = (...lines: readonly (readonly [string, number])[]) =>
  JSON.stringify(lines.map(([tier_id, quantity]) => ({ tier_id, quantity })))

/** `lost` says how the race went wrong, or nothing: the twin must lose it, ours must not. */
function both(what: string, lost: (house: House) => Promise<string | undefined>): void {
  it(what, async () => assert.equal(await lost(ours), undefined))
  it(`${what}: the naive twin loses`, async () => assert.ok(await lost(theirs)))
}

describe('buying', () => {
  both('the last unit, ten buyers', async (house) => {
    const tierId = await house.tier({ total: 1 })
    await race(
      house,
      Array.from({ length: 10 }, () => reserve(house, tierId)),
    )
    const held = await taken(house, tierId)
    return held === 1 ? undefined : `${held} of 1 are held`
  })

  both('a cart that names one tier twice', async (house) => {
    const tierId = await house.tier({ total: 3 })
    const cart = cartOf([tierId, 2], [tierId, 2])
    await house.db.rows(house.naive ? 'select naive_cart($1)' : 'select reserve_tickets_batch($1)', [cart])
    const held = await taken(house, tierId)
    return held <= 3 ? undefined : `${held} of 3 are held`
  })

  both('two carts in opposite order', async (house) => {
    const [a, b] = [await house.tier(), await house.tier()]
    const sql = house.naive ? 'select naive_locks($1)' : 'select reserve_tickets_batch($1)'
    const answers = await race(house, [
      [sql, [cartOf([a, 1], [b, 1])]],
      [sql, [cartOf([b, 1], [a, 1])]],
    ])
    return answers.includes('40P01') ? 'a deadlock' : undefined
  })

  both('the retries of who won the last unit', async (house) => {
    const tierId = await house.tier({ total: 1 })
    const key = randomUUID()
    const answers = await race<{ success: boolean } | string>(
      house,
      Array.from({ length: 6 }, () =>
        house.naive
          ? (['select naive_keyed($1, $2, 1)', [key, tierId]] as const)
          : (['select ticketing.checkout($1)', [keyed(house, key, tierId, 1)]] as const),
      ),
    )
    const refused = answers.filter((answer) =>
      typeof answer === 'string' ? answer !== 'held 1' : !answer.success,
    )
    return refused.length === 0 ? undefined : `the winner was told ${JSON.stringify(refused[0])}`
  })

  both('one key, another cart', async (house) => {
    const tierId = await house.tier()
    const key = randomUUID()
    const ask = (quantity: number) =>
      house.naive
        ? house.db.value<string>('select naive_keyed($1, $2, $3)', [key, tierId, quantity])
        : house.db.value<{ error_code?: string }>('select ticketing.checkout($1)', [
            keyed(house, key, tierId, quantity),
          ])
    await ask(1)
    const second = await ask(4)
    const told = typeof second === 'string' ? second : second.error_code
    return told === 'IDEMPOTENCY_KEY_REUSED' ? undefined : `who asked for 4 was told ${told}`
  })

  both('a key whose hold has ended', async (house) => {
    const tierId = await house.tier({ priceCents: 500 })
    const key = randomUUID()
    const ask = () =>
      house.naive
        ? house.db.value<string>('select naive_keyed($1, $2, 1)', [key, tierId])
        : house.db.value<{ order_id: string; success: boolean }>('select ticketing.checkout($1)', [
            keyed(house, key, tierId, 1),
          ])
    const first = await ask()
    if (typeof first === 'string') {
      await house.db.rows('update ticket_tiers set reserved_quantity = 0 where id = $1', [tierId])
    } else {
      await house.db.rows(`select ticketing.refuse_session($1, 1, 'ended')`, [first.order_id])
    }
    await ask()
    const held = house.naive
      ? await house.db.value<number>('select reserved_quantity from ticket_tiers where id = $1', [tierId])
      : await taken(house, tierId)
    return held === 1 ? undefined : 'told "held", and nothing is'
  })

  both('what staff gives away beside the sale of the last unit', async (house) => {
    const tierId = await house.tier({ total: 1 })
    const comp = house.naive
      ? (['select naive_comp($1)', [tierId]] as const)
      : ([
          `insert into ticket_holds (event_id, tier_id, session_id, quantity, expires_at)
           select event_id, id, 'comp', 1, now() + interval '1 day' from ticket_tiers where id = $1 returning id`,
          [tierId],
        ] as const)
    await race(house, [comp, reserve(house, tierId)])
    const held = await taken(house, tierId)
    return held === 1 ? undefined : `${held} of 1 are held`
  })

  both('a tier made smaller beside a sale', async (house) => {
    const tierId = await house.tier({ total: 5 })
    const shrink = house.naive
      ? (['select naive_shrink($1, 2)', [tierId]] as const)
      : (['update ticket_tiers set total_quantity = 2 where id = $1 returning id', [tierId]] as const)
    await race(house, [shrink, reserve(house, tierId, 4)])
    const held = await taken(house, tierId)
    const total = await house.db.value<number>('select total_quantity from ticket_tiers where id = $1', [
      tierId,
    ])
    return held <= total ? undefined : `${held} of ${total} are held`
  })

  both('a session that asks for more time again and again', async (house) => {
    const tierId = await house.tier()
    const session = randomUUID()
    await house.db.rows(
      `insert into ticket_holds (event_id, tier_id, session_id, quantity, expires_at)
       select event_id, id, $2, 1, now() + interval '15 minutes' from ticket_tiers where id = $1`,
      [tierId, session],
    )
    const verb = house.naive ? 'naive_extend' : 'extend_ticket_holds'
    for (let times = 0; times < 5; times++) await house.db.rows(`select ${verb}($1, 30)`, [session])
    const minutes = await house.db.value<number>(
      'select round(extract(epoch from expires_at - now()) / 60)::int from ticket_holds where session_id = $1',
      [session],
    )
    return minutes <= 45 ? undefined : `held for ${minutes} minutes`
  })

  both('a hold that is due is bought while the sweeper is at work', async (house) => {
    const tierId = await house.tier({ total: 1 })
    const orderId = await house.db.value<string>(
      `with o as (insert into orders (event_id, session_id, status, currency, total_cents, paid_at)
         select event_id, $1::uuid::text, 'paid', currency, 0, now() from ticket_tiers where id = $1 returning id, event_id),
       i as (insert into order_items (order_id, event_id, tier_id, quantity, unit_price_cents) select id, event_id, $1, 1, 0 from o),
       h as (insert into ticket_holds (event_id, tier_id, session_id, order_id, quantity, expires_at)
         select event_id, $1, $1::uuid::text, id, 1, clock_timestamp() from o)
       select id from o`,
      [tierId],
    )
    const [gate, sweeper, buyer] = await Promise.all([
      house.db.connect(),
      house.db.connect(),
      house.db.connect(),
    ])
    await gate.query('begin')
    await gate.query('select pg_advisory_xact_lock(1)')
    const sweep = () =>
      sweeper.query(house.naive ? `select naive_sweep('${tierId}')` : 'select expire_ticket_holds()')
    const early = house.naive ? sweep() : undefined
    if (house.naive) await untilWaiting(house.db, 1)
    await buyer.query('begin')
    await buyer.query('select issue_order_tickets($1)', [orderId])
    const late = house.naive ? undefined : sweep()
    if (!house.naive) await untilWaiting(house.db, 1)
    await buyer.query('commit')
    await gate.query('commit')
    await Promise.all([early, late])
    const [tickets, hold] = await Promise.all([
      house.db.value<number>('select count(*)::int from tickets where order_id = $1', [orderId]),
      house.db.value<string>('select status from ticket_holds where order_id = $1', [orderId]),
    ])
    return tickets === 1 && hold === 'converted'
      ? undefined
      : `the ticket's hold is ${hold}: its place is sold and free`
  })

  both('a caller with a snapshot that is older than the lock', async (house) => {
    const tierId = await house.tier({ total: 1 })
    const [old, other] = [await house.db.connect(), await house.db.connect()]
    await old.query('begin isolation level repeatable read')
    await old.query('select count(*) from ticket_tiers')
    const [sql, values] = reserve(house, tierId)
    await other.query(sql, [...values])
    await old.query(sql, [...values]).then(
      () => old.query('commit'),
      () => old.query('rollback'),
    )
    const held = await taken(house, tierId)
    return held === 1 ? undefined : `${held} of 1 are held`
  })
})

function keyed({ eventId }: House, key: string, tierId: string, quantity: number): string {
  return JSON.stringify({
    event: eventId,
    items: [{ tier: tierId, quantity }],
    customer_email: 'ada@example.org',
    idempotency_key: key,
  })
}
