import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changed, checkNamed, openTestRun, runStages } from './support.ts'

const only = ['pay-at-the-last-second']

test('pay-at-the-last-second is a PASS: each payment is a ticket or goes back', async () => {
  const run = await openTestRun({ only })
  const http = await runStages(run, 'http')
  assert.equal(http.verdict, 'PASS', JSON.stringify(http.checks, null, 1))
})

test('a late payment that is kept without a ticket is a FAIL, with the payment as witness', async () => {
  const run = await openTestRun({
    only,
    jobs: true,
    change: changed('ticketing.queue_owed', 'v_owed > 0', 'false'),
  })
  const http = await runStages(run, 'http')
  const neither = checkNamed(http, 'neither a ticket nor the money back')
  assert.equal(neither.verdict, 'FAIL', JSON.stringify(http.checks, null, 1))
  assert.equal((neither.witness as { readonly tickets: number }).tickets, 0)
  assert.equal(checkNamed(http, 'no law is broken').verdict, 'FAIL')
})

test('a ticket for money that goes back is a FAIL', async () => {
  const run = await openTestRun({
    only,
    jobs: true,
    change: (client) =>
      client.query(`create function public.interfere() returns trigger language plpgsql as $$ begin
          update public.ticket_tiers t set total_quantity = total_quantity + 1
            where t.id = (select i.tier_id from public.order_items i where i.order_id = new.order_id);
          insert into public.tickets (event_id, tier_id, order_id, order_item_id, ordinal)
            select i.event_id, i.tier_id, i.order_id, i.id, 999 from public.order_items i where i.order_id = new.order_id;
          return new; end $$;
        create trigger a_interferes after insert on ticketing.refunds for each row execute function public.interfere()`),
  })
  const http = await runStages(run, 'http')
  assert.equal(
    checkNamed(http, 'both a ticket and the money back').verdict,
    'FAIL',
    JSON.stringify(http.checks, null, 1),
  )
})
