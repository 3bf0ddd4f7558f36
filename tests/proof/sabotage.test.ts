import assert from 'node:assert/strict'
import { describe, it, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { Client } from 'pg'
import { GUARANTEES } from '../../src/core/guarantees.ts'
import type { SabotageResult } from '../../src/proof/results.ts'
import type { RunDatabase } from '../../src/proof/run-databases.ts'
import { atOnce, semaphore } from '../../src/proof/sabotage/at-once.ts'
import { httpWitnessOf } from '../../src/proof/sabotage/http-witness.ts'
import { type Removal, removals, sabotage, takeAway } from '../../src/proof/sabotage/sabotage.ts'
import { testDatabase } from '../support/database.ts'
import { schemaOf } from '../support/schema.ts'
import { guaranteeNamed, openTestRun } from './support.ts'

test('every refusing and every counting protection is taken away once, and all refusing together', () => {
  for (const guarantee of GUARANTEES) {
    const mine = removals().filter((removal) => removal.guarantee === guarantee)
    const alone = mine.filter(({ removed }) => removed.length === 1).map(({ removed }) => removed[0])
    const due = guarantee.protections.filter(({ role }) => role !== 'guards')
    assert.deepEqual(new Set(alone), new Set(due))
    assert.equal(mine.filter(({ kind }) => kind === 'all refusing').length, 1)
  }
})

/** One policy, one right: what an operator's hand slips into. */
const slips = [
  [
    'a policy that shows orders to all who signed in',
    'alter policy buyer_and_managers_read on orders using (true)',
  ],
  ['a policy that shows holds to all who signed in', 'alter policy buyer_reads on ticket_holds using (true)'],
  [
    'rows that guests may read',
    'grant select on order_items to anon; alter policy buyer_and_managers_read on order_items to anon, authenticated using (true)',
  ],
  ['a column that opens doors', 'grant select (secret) on orders to authenticated'],
  [
    'a verb of the server that anybody may call',
    'grant execute on all functions in schema public, ticketing to anon',
  ],
] as const

test('so many removals each guarantee has: one refusal less, one counter less, all refusals gone, one alone', () => {
  const all = removals()
  const counted = (number: number, kind: Removal['kind']) =>
    all.filter((removal) => removal.guarantee.number === number && removal.kind === kind).length
  const counts = GUARANTEES.map(({ number }) =>
    [
      counted(number, 'one refusing'),
      counted(number, 'one counting'),
      counted(number, 'all refusing'),
      counted(number, 'one alone'),
    ].join(),
  )
  assert.deepEqual(counts, [
    '8,6,1,0',
    '3,0,1,0',
    '3,0,1,0',
    '6,0,1,0',
    '7,0,1,0',
    '9,7,1,0',
    '6,0,1,0',
    '3,0,1,0',
    '0,0,1,1',
    '0,0,1,4',
  ])
  assert.equal(all.length, 73)
})

for (const index of ['uniq_claim_request_key', 'uniq_booking_request_key', 'uniq_order_request_key'])
  test(`a repeated key is caught where only what ${index} stands behind has nothing left`, async () => {
    const guarantee = guaranteeNamed('same-request-same-answer')
    const { databases } = await openTestRun()
    const removed = guarantee.protections.filter(
      ({ name, kind }) => name === index || kind === 'decision' || name === 'idempotency_keys_pkey',
    )
    const result = await sabotage(databases, { guarantee, kind: 'all refusing', removed }, 1)
    assert.equal(result.verdict, 'PASS', JSON.stringify(result, null, 1))
    assert.match(JSON.stringify(result.witness), /several (claims|bookings|orders) under one key/)
  })

describe('only-yours, judged over HTTP by strangers', { concurrency: 2 }, () => {
  const alone = removals([guaranteeNamed('only-yours')]).filter(({ kind }) => kind === 'one alone')
  for (const removal of alone)
    it(`is seen to break without ${removal.removed.map(({ name }) => name).join(', ')}`, async () => {
      const run = await openTestRun()
      const result = await sabotage(run.databases, removal, 1, httpWitnessOf(run))
      assert.equal(result.seenOverHttp, true, JSON.stringify(result, null, 1))
      assert.equal(result.verdict, 'PASS', JSON.stringify(result, null, 1))
    })

  for (const [what, without] of slips)
    it(`is seen to break by ${what}`, async () => {
      const run = await openTestRun()
      const [removal] = alone
      assert.ok(removal)
      const witness = await httpWitnessOf(run)(removal, run.databases.main)
      assert.equal(await witness?.look(), false, 'nothing is missing yet')
      await run.databases.main.client.query(without)
      assert.equal(await witness?.look(), true)
      await witness?.close()
    })

  it('and a witness that sees nothing makes the sabotage FAIL', async () => {
    const [removal] = alone
    assert.ok(removal)
    const { databases } = await openTestRun()
    const blind = async () => ({ look: async () => false, close: async () => {} })
    const result = await sabotage(databases, removal, 1, blind)
    assert.deepEqual([result.seen, result.verdict], ['caught', 'FAIL'])
    assert.match(result.detail, /nobody saw it over HTTP/)
  })
})

test('a law that sees nothing makes the sabotage FAIL: missed', async () => {
  const result = await sabotaged('all refusing', async (client) => {
    await client.query(`create or replace view ticketing.law_admitted_once with (security_invoker = true) as
      select id as ticket_id, event_id, status, checked_in_at, 0::bigint as admitted, null::uuid[] as admitted_by
      from tickets where false`)
    await client.query(`create or replace view ticketing.law_party_admitted_once with (security_invoker = true) as
      select 'claim' as kind, id, status, 0::bigint as admitted, null::uuid[] as admitted_by from offer_claims where false`)
  })
  assert.equal(result.seen, 'missed')
  assert.equal(result.verdict, 'FAIL')
  assert.match(result.detail, /no law/)
})

test('a verify_protections() that names nothing makes the sabotage FAIL', async () => {
  const result = await sabotaged('one refusing', async (client) => {
    await client.query(
      `update ticketing.protections set object = 'public.events' where protection = 'uniq_successful_scan'`,
    )
    await client.query(`create or replace function public.verify_protections()
      returns table (guarantee text, protection text, kind text, object text, active boolean, detail text)
      language sql stable as $$ select guarantee, protection, kind, object, true, 'in place' from ticketing.protections $$`)
  })
  assert.equal(result.named, false)
  assert.equal(result.verdict, 'FAIL')
  assert.match(result.detail, /verify_protections\(\) did not name/)
})

test('a verify_protections() that names one too many makes the sabotage FAIL', async () => {
  const result = await sabotaged('one refusing', (client) =>
    client.query('alter table scan_logs disable trigger trg_refuse_truncate'),
  )
  assert.equal(result.named, false)
  assert.equal(result.verdict, 'FAIL')
})

test('an attack that is never refused shows nothing and is a FAIL', async () => {
  const result = await sabotaged('one refusing', async (client) => {
    await scanThat(client, `return query select true, false, null::timestamptz, null::uuid, null::text;`)
    await client.query(`create or replace function ticketing.validate_qr(p_scan jsonb) returns jsonb
      language sql as $$ select '{"outcome": "ADMITTED"}'::jsonb $$`)
  })
  assert.equal(result.verdict, 'FAIL')
  assert.match(result.detail, /never refused/)
})

test('an exception out of a verb is a FAIL, though nothing was admitted twice', async () => {
  const result = await sabotaged('one refusing', (client) =>
    scanThat(client, `raise exception 'out of order' using errcode = 'P0001';`),
  )
  assert.equal(result.seen, 'survived')
  assert.equal(result.verdict, 'FAIL')
  assert.match(result.detail, /a verb raised instead of answering: .*out of order/)
})

test('a promise that breaks with one refusal less is a FAIL: the other was not independent', async () => {
  const result = await sabotaged('one refusing', async (client) => {
    const [, ...others] = guaranteeNamed('admitted-once').protections.filter(({ role }) => role === 'refuses')
    for (const protection of others) await takeAway(client, protection)
  })
  assert.equal(result.seen, 'broken')
  assert.equal(result.verdict, 'FAIL')
})

test('two answers that contradict each other are a promise broken, though no row shows it', async () => {
  const guarantee = guaranteeNamed('same-request-same-answer')
  const { databases } = await openTestRun({
    change: (client) =>
      client.query(`create or replace function ticketing.checkout(p_request jsonb) returns jsonb language sql as $$
        select case when random() < 0.2 then '{"success": false, "error_code": "INSUFFICIENT_TICKETS"}'::jsonb
          else jsonb_build_object('success', true, 'order_id', gen_random_uuid()) end $$`),
  })
  const index = guarantee.protections.filter(({ kind }) => kind === 'index')
  const result = await sabotage(databases, { guarantee, kind: 'one refusing', removed: index }, 1)
  assert.equal(result.seen, 'broken')
  assert.deepEqual(result.laws, [])
  assert.match(result.detail, /two answers contradict each other/)
  assert.match(JSON.stringify(result.witness), /"key 0".*order_id/)
})

test('attacks at once take away in databases of their own: each is named alone, and nothing is left of it', async () => {
  const { databases } = await openTestRun()
  const before = await schemaNow(databases.main)
  const mine = removals([guaranteeNamed('admitted-once')]).slice(-3)
  const results = await atOnce(2, mine, (removal) => sabotage(databases, removal, 1))
  assert.deepEqual(
    results.map(({ removed, named, verdict }) => ({ removed, named, verdict })),
    mine.map(({ removed }) => ({ removed: removed.map(({ name }) => name), named: true, verdict: 'PASS' })),
  )
  const missing = await databases.main.client.query('select from verify_protections() where not active')
  assert.equal(missing.rowCount, 0)
  assert.ok((await schemaNow(databases.main)) === before)
})

test('a database in which an earlier attack left something taken away makes the sabotage FAIL', async () => {
  const { databases } = await openTestRun()
  const shared = {
    ...databases,
    withClone: <T>(work: (database: RunDatabase) => Promise<T>) => work(databases.main),
  }
  const mine = removals([guaranteeNamed('admitted-once')])
  const first = mine.find(({ removed }) => removed[0]?.kind === 'index')
  const second = mine[0]
  assert.ok(first !== undefined && second !== undefined && first !== second)
  const before = await schemaNow(databases.main)
  assert.equal((await sabotage(shared, first, 1)).verdict, 'PASS')
  assert.ok((await schemaNow(databases.main)) !== before)
  const result = await sabotage(shared, second, 1)
  assert.equal(result.named, false)
  assert.equal(result.verdict, 'FAIL')
})

test('results at once come in the order of the items, whatever ends first', async () => {
  const last = Promise.withResolvers<void>()
  const ended: number[] = []
  const results = await atOnce(2, [0, 1, 2, 3], async (item) => {
    if (item === 0) await last.promise
    if (item === 3) last.resolve()
    ended.push(item)
    return item * 2
  })
  assert.deepEqual(results, [0, 2, 4, 6])
  assert.deepEqual(ended, [1, 2, 3, 0])
})

test('a semaphore lets so many in at a time, the others in the order in which they came', async () => {
  const enter = semaphore(2)
  const inside: number[] = []
  const leaves = await Promise.all([enter(), enter()])
  const [third, fourth] = [3, 4].map(async (number) => {
    const leave = await enter()
    inside.push(number)
    return leave
  })
  await setImmediate()
  assert.deepEqual(inside, [])
  leaves[0]?.()
  const leaveThird = await third
  assert.deepEqual(inside, [3])
  leaveThird?.()
  const leaveFourth = await fourth
  assert.deepEqual(inside, [3, 4])
  for (const leave of [leaves[1], leaveFourth]) leave?.()
  await Promise.all([enter(), enter()])
})

test('after an error nothing begins at once, and what had begun has ended', async () => {
  const begun: number[] = []
  const ended: number[] = []
  const all = atOnce(2, [0, 1, 2], async (item) => {
    begun.push(item)
    if (item === 1) throw new Error('no database')
    await setImmediate()
    ended.push(item)
  })
  await assert.rejects(all, /no database/)
  assert.deepEqual([begun, ended], [[0, 1], [0]])
})

test('a decision that no longer reads as the registry says is not passed over', async () => {
  const { client } = await testDatabase()
  const stale = {
    name: 'conditional update',
    role: 'refuses',
    kind: 'decision',
    object: 'ticketing.admit_ticket',
    without: [['ticketing.admit_ticket', 'words that are not there', '']],
  } as const
  await assert.rejects(takeAway(client, stale), /occurs 0 times in ticketing.admit_ticket, not once/)
})

function schemaNow({ client }: RunDatabase): Promise<string> {
  return schemaOf({ rows: async (sql, values = []) => (await client.query(sql, [...values])).rows })
}

/** Guarantee 5 attacked in a database that was changed first; the first protection that refuses is the one taken away. */
async function sabotaged(
  kind: Removal['kind'],
  change: (client: Client) => Promise<unknown>,
): Promise<SabotageResult> {
  const guarantee = guaranteeNamed('admitted-once')
  const refusing = guarantee.protections.filter(({ role }) => role === 'refuses')
  const { databases } = await openTestRun({ change })
  return sabotage(
    databases,
    { guarantee, kind, removed: kind === 'all refusing' ? refusing : refusing.slice(0, 1) },
    1,
  )
}

/** Every scan does that, of gates with network and without. */
function scanThat(client: Client, body: string): Promise<unknown> {
  return client.query(`create or replace function public.scan_ticket_atomic(p_ticket_id uuid, p_scanned_by uuid,
      p_device_id text default null, p_scan_method text default 'qr', p_event_id uuid default null)
    returns table (success boolean, already_scanned boolean, scanned_at timestamptz, scanned_by uuid, error_message text)
    language plpgsql as $$ begin ${body} end $$;
    create or replace function public.sync_offline_scan(p_ticket_id uuid, p_scanned_by uuid, p_scanned_at timestamptz,
      p_device_id text default null, p_event_id uuid default null)
    returns table (success boolean, conflict_resolved boolean, already_scanned boolean, scanned_at timestamptz, scanned_by uuid,
      error_message text)
    language sql as $$ select s.success, false, s.already_scanned, s.scanned_at, s.scanned_by, s.error_message
      from public.scan_ticket_atomic(p_ticket_id, p_scanned_by, p_device_id) s $$`)
}

for (const removal of removals().filter(({ guarantee }) => guarantee.refusesAlone))
  test(`${removal.guarantee.name} is seen to be broken without ${removal.removed.map(({ name }) => name).join(' and ')}`, async () => {
    const { databases } = await openTestRun()
    const result = await sabotage(databases, removal, 1)
    assert.equal(result.seen, 'caught')
    assert.equal(result.verdict, 'PASS', JSON.stringify(result, null, 1))
  })

for (const name of ['only-yours', 'acknowledged-is-durable'])
  test(`where everything is in place the attack on ${name} finds nothing`, async () => {
    const { databases } = await openTestRun()
    const removal = { guarantee: guaranteeNamed(name), kind: 'one refusing', removed: [] } as const
    const result = await sabotage(databases, removal, 1)
    assert.equal(result.verdict, 'PASS', JSON.stringify(result, null, 1))
  })
