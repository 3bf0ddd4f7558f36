import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Client } from 'pg'
import { checkNamed, openTestRun, runStages, withoutRefusals } from './support.ts'

test('without what refuses, one key gets several orders: FAIL over HTTP, with the order as witness and its law named', async () => {
  const run = await openTestRun({
    only: ['ticketing-flow'],
    change: withoutRefusals('same-request-same-answer'),
  })
  const http = await runStages(run, 'http')
  const keys = checkNamed(http, 'each key has one order')
  assert.equal(keys.verdict, 'FAIL')
  assert.ok((keys.witness as { readonly of_key: number }).of_key > 1)
  assert.equal(checkNamed(http, 'ticketing-flow: every threshold').verdict, 'FAIL')
  const judgement = await runStages(run, 'judgement')
  assert.equal(checkNamed(judgement, 'law same_request_same_answer').verdict, 'FAIL')
})

test('an order that holds more than it was promised is a FAIL', async () => {
  const run = await openTestRun({
    only: ['ticketing-flow'],
    change: onEach('before insert on public.ticket_holds', 'new.quantity := new.quantity + 1; return new;'),
  })
  assert.equal(checkNamed(await runStages(run, 'http'), 'each order holds').verdict, 'FAIL')
})

test('a tier that says less than nothing is left is an oversell that the script itself detects', async () => {
  const run = await openTestRun({
    only: ['ticketing-flow'],
    change: (client) =>
      client.query(`create or replace function public.reserve_tickets_atomically(p_tier_id uuid, p_quantity integer)
        returns jsonb language sql as $$ select '{"success": true, "remaining": -1}'::jsonb $$`),
  })
  assert.match(checkNamed(await runStages(run, 'http'), 'every threshold').detail, /oversell_detected/)
})

test('who paid and gets nothing makes it a FAIL, and the books no longer agree', async () => {
  const run = await openTestRun({
    only: ['ticket-purchase'],
    profile: { purchase: { buyers: 5, arrivalSeconds: 0, waitSeconds: 0.5 } },
    change: (client) =>
      client.query(`create or replace function ticketing.receive_webhook(p_event jsonb) returns jsonb language sql as $$
        select jsonb_build_object('success', true, 'received', true, 'event_type', p_event ->> 'type', 'duplicate', false) $$`),
  })
  const http = await runStages(run, 'http')
  assert.equal(checkNamed(http, 'buyers, provider, payments and books').verdict, 'FAIL')
  assert.match(checkNamed(http, 'ticket-purchase: every threshold').detail, /purchases_completed/)
})

test('a ticket that nobody paid for is a FAIL', async () => {
  const run = await openTestRun({
    only: ['ticket-purchase'],
    change: onEach(
      'after insert on ticketing.payments',
      `insert into public.tickets (event_id, tier_id, order_id, order_item_id, ordinal)
         select i.event_id, i.tier_id, i.order_id, i.id, 999 from public.order_items i where i.order_id = new.order_id; return new;`,
    ),
  })
  const http = await runStages(run, 'http')
  assert.equal(checkNamed(http, 'who paid has the tickets').verdict, 'FAIL')
})

test('a cent that only the provider knows of is a FAIL, with the four sums as witness', async () => {
  const run = await openTestRun({
    only: ['ticket-purchase'],
    provider: (provider) => ({
      ...provider,
      ledger: async () => {
        const { payments, disagreements } = await provider.ledger()
        return { payments: payments.map((paid) => ({ ...paid, amount: paid.amount + 1 })), disagreements }
      },
    }),
  })
  const money = checkNamed(await runStages(run, 'http'), 'buyers, provider, payments and books')
  assert.equal(money.verdict, 'FAIL')
  const { buyers, provider } = money.witness as { readonly buyers: number; readonly provider: number }
  assert.equal(provider - buyers, 10)
})

test('a webhook that was not taken is a FAIL; one copy of each, or a witness at odds with itself, is INCONCLUSIVE', async () => {
  const run = await openTestRun({
    only: ['ticket-purchase'],
    provider: (provider) => ({
      ledger: async () => ({ ...(await provider.ledger()), disagreements: ['pi_1 has no money'] }),
      settled: async () => ({ ...(await provider.settled()), pending: 1, delivered: 3 }),
    }),
  })
  const http = await runStages(run, 'http')
  assert.equal(checkNamed(http, 'every webhook was taken').verdict, 'FAIL')
  assert.equal(checkNamed(http, 'payments were reported more than once').verdict, 'INCONCLUSIVE')
  assert.equal(checkNamed(http, 'the witness agrees with itself').verdict, 'INCONCLUSIVE')
})

test('without what refuses, a payment that is reported twice is taken twice: FAIL, and its law is named', async () => {
  const run = await openTestRun({
    only: ['webhook-burst'],
    change: withoutRefusals('paid-once-issued-once'),
  })
  const http = await runStages(run, 'http')
  assert.equal(checkNamed(http, 'has one payment and its one ticket').verdict, 'FAIL')
  assert.equal(checkNamed(http, 'each event is kept once').verdict, 'FAIL')
  const judgement = await runStages(run, 'judgement')
  assert.equal(checkNamed(judgement, 'law paid_once_issued_once').verdict, 'FAIL')
})

test('what was captured and is in no book is a FAIL', async () => {
  const run = await openTestRun({ only: ['webhook-burst'], change: bookNothing })
  assert.equal(checkNamed(await runStages(run, 'http'), 'what was captured is owed').verdict, 'FAIL')
})

test('a payment of nobody that is not kept whole is a FAIL', async () => {
  const run = await openTestRun({
    only: ['webhook-burst'],
    change: onEach('before update on public.webhook_events', 'new.payload := null; return new;'),
  })
  assert.equal(checkNamed(await runStages(run, 'http'), 'what nobody ordered is kept').verdict, 'FAIL')
})

test('a server that believes whoever sends an event is a FAIL', async () => {
  const run = await openTestRun({
    only: ['webhook-burst'],
    payments: (payments) => ({ ...payments, readEvent: async (body) => JSON.parse(body) }),
  })
  const http = await runStages(run, 'http')
  const thresholds = checkNamed(http, 'webhook-burst: every threshold')
  assert.equal(thresholds.verdict, 'FAIL')
  // One in three has no signature at all, which is seen before anybody is believed.
  assert.match(thresholds.detail, /unexpected_answers count==0/)
})

/** A trigger that does this to each row. */
function onEach(when: string, body: string): (client: Client) => Promise<unknown> {
  return (client) =>
    client.query(`create function public.interfere() returns trigger language plpgsql as $$ begin ${body} end $$;
      create trigger a_interferes ${when} for each row execute function public.interfere()`)
}

function bookNothing(client: Client): Promise<unknown> {
  return client.query(`create or replace function ticketing.book(
      p_order_id uuid, p_currency text, p_cause text, p_accounts text[], p_amounts bigint[])
    returns boolean language sql as $$ select true $$`)
}
