import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type pg from 'pg'
import { GUARANTEES } from '../../src/core/guarantees.ts'
import { overlap } from '../../src/proof/interleaving/overlap.ts'
import { takeAway } from '../../src/proof/sabotage/sabotage.ts'
import {
  type House,
  heldAt,
  minutesAgo,
  one,
  openHouse,
  statusOf,
  ticketIn,
  verdictOf,
} from '../support/gate-races.ts'
import { applyList, doublesOf, gateList, scanOnline, sync, syncOne, truth } from '../support/gates.ts'
import { changed, type Naive, racesIn } from '../support/race.ts'

const race = racesIn(await openHouse(), openHouse)

/** Check, then act, and nothing behind it. */
const withoutGuarantee: Naive = async (db) => {
  const { protections } = GUARANTEES.find(({ name }) => name === 'admitted-once') ?? { protections: [] }
  for (const protection of protections.filter(({ role }) => role === 'refuses'))
    await takeAway(db.client, protection)
}
const withoutLock = changed(['ticketing.lock_scanned', 'for no key update', ''])
const both =
  (...naives: readonly Naive[]): Naive =>
  async (db) => {
    for (const naive of naives) await naive(db)
  }
const withoutIndex: Naive = (db) => db.rows('drop index uniq_successful_scan')

const refund = async (client: pg.Client, id: string) =>
  (
    await client.query(
      'select ticketing.request_refund((select order_id from tickets where id = $1), array[$1::uuid]) as answer',
      [id],
    )
  ).rows[0]?.answer as { success: boolean; error?: string }
const cancel = async (client: pg.Client, id: string) =>
  (await client.query(`update tickets set status = 'cancelled' where id = $1 and status = 'valid'`, [id]))
    .rowCount

describe('two gates, one code', () => {
  race(
    'both online: one admits, the other is told',
    async (at) => {
      const id = await one(at)
      const answers = await overlap(
        at.db,
        at.gates,
        (client) => scanOnline(client, id, 'a'),
        (client) => scanOnline(client, id, 'b'),
      )
      assert.deepEqual([verdictOf(answers[0]), verdictOf(answers[1])], ['admitted', 'already'])
      assert.equal(answers[1].scanned_at, answers[0].scanned_at)
    },
    withoutGuarantee,
  )

  race(
    'an online scan while an offline one of before is merged: the gate is told of the earlier one',
    async (at) => {
      const id = await one(at)
      const answers = await overlap(
        at.db,
        at.gates,
        (client) => syncOne(client, id, minutesAgo(5), 'offline'),
        (client) => scanOnline(client, id, 'online'),
      )
      assert.deepEqual([verdictOf(answers[0]), verdictOf(answers[1])], ['admitted', 'already'])
      assert.equal(answers[1].scanned_at, answers[0].scanned_at)
    },
    withoutGuarantee,
  )

  race(
    'an offline scan of before is merged while an online one is under way: the earlier one wins, both are reported',
    async (at) => {
      const id = await one(at)
      const answers = await overlap(
        at.db,
        at.gates,
        (client) => scanOnline(client, id, 'online'),
        (client) => syncOne(client, id, minutesAgo(5), 'offline'),
      )
      assert.deepEqual([verdictOf(answers[0]), verdictOf(answers[1])], ['admitted', 'admitted'])
      assert.equal(answers[1].conflict_resolved, true)
      await reported(at, id, 'offline', 'online')
    },
    withoutLock,
  )
})

describe('a ticket that goes back, and its scan', () => {
  race(
    'the refund comes first: the gate refuses',
    async (at) => {
      const id = await one(at)
      const [back, scan] = await overlap(
        at.db,
        at.gates,
        (client) => refund(client, id),
        (client) => scanOnline(client, id, 'a'),
      )
      assert.deepEqual([back.success, verdictOf(scan)], [true, 'refused'])
      assert.equal(await statusOf(at, id), 'refunded')
    },
    withoutGuarantee,
  )

  race(
    'the scan comes first: nothing goes back',
    async (at) => {
      const id = await one(at)
      const [scan, back] = await overlap(
        at.db,
        at.gates,
        (client) => scanOnline(client, id, 'a'),
        (client) => refund(client, id),
      )
      assert.deepEqual([verdictOf(scan), back.error], ['admitted', 'TICKET_USED'])
      assert.equal(await statusOf(at, id), 'used')
    },
    changed(['ticketing.lock_tickets', ' for no key update;', ';']),
  )

  race(
    'the cancellation comes first: the gate refuses',
    async (at) => {
      const id = await one(at)
      const [, scan] = await overlap(
        at.db,
        at.gates,
        (client) => cancel(client, id),
        (client) => scanOnline(client, id, 'a'),
      )
      assert.equal(verdictOf(scan), 'refused')
      assert.equal(await statusOf(at, id), 'cancelled')
    },
    withoutGuarantee,
  )

  race(
    'the refund comes first: an offline scan that comes in is refused and reported',
    async (at) => {
      const id = await one(at)
      const [back, scan] = await overlap(
        at.db,
        at.gates,
        (client) => refund(client, id),
        (client) => syncOne(client, id, minutesAgo(5), 'offline'),
      )
      assert.deepEqual([back.success, verdictOf(scan)], [true, 'refused'])
      assert.equal(await statusOf(at, id), 'refunded')
      const doubles = (await doublesOf(at.db, at.box.eventId)).filter(({ ticket_id }) => ticket_id === id)
      assert.deepEqual(
        doubles.map(({ counted, other }) => [counted, other.device_id, other.error_code]),
        [[null, 'offline', 'INVALID_STATUS']],
      )
    },
    withoutLock,
  )
})

/** The double is one row of the report, with both scans. */
async function reported({ db, box }: House, id: string, counted: string, other: string): Promise<void> {
  const doubles = (await doublesOf(db, box.eventId)).filter(({ ticket_id }) => ticket_id === id)
  assert.deepEqual(
    doubles.map((double) => [double.counted?.device_id, double.other.device_id]),
    [[counted, other]],
  )
}

describe('two offline gates, one code', () => {
  for (const [order, devices] of [
    ['the earlier scan comes in first', ['early', 'late']],
    ['the later scan comes in first', ['late', 'early']],
  ] as const)
    race(
      `${order}: the earlier one wins, and both are reported`,
      async (at) => {
        const id = await one(at)
        const times: Readonly<Record<string, string>> = { early: minutesAgo(20), late: minutesAgo(10) }
        const [first, second] = devices
        await overlap(
          at.db,
          at.gates,
          (client) => syncOne(client, id, String(times[first]), first),
          (client) => syncOne(client, id, String(times[second]), second),
        )
        await reported(at, id, 'early', 'late')
        const kept = await at.db.value<Date>('select checked_in_at from tickets where id = $1', [id])
        assert.equal(kept.toISOString(), times['early'])
      },
      both(withoutLock, withoutIndex),
    )

  race(
    'the earlier one wins in whatever order they come in',
    async (at) => {
      const id = await one(at)
      await syncOne(at.gates[0], id, minutesAgo(10), 'late')
      await syncOne(at.gates[1], id, minutesAgo(20), 'early')
      await reported(at, id, 'early', 'late')
    },
    changed(['ticketing.admit_offline', 'or ticketing.is_before(v_own, v_winner)', '']),
  )
})

describe('one sync, sent twice at once', () => {
  race(
    'both get the same answers, and every scan is recorded once',
    async (at) => {
      const ids = await ticketIn(at, 3)
      const scans = ids.map((ticket_id, i) => ({ ticket_id, scanned_at: minutesAgo(i), device_id: 'd' }))
      const answers = await overlap(
        at.db,
        at.gates,
        (client) => sync(client, scans),
        (client) => sync(client, scans),
      )
      assert.deepEqual(answers[1], answers[0])
      assert.deepEqual(answers[0].results?.map(verdictOf), ['admitted', 'admitted', 'admitted'])
      const kept = await at.db.value('select count(*)::int from scan_logs where ticket_id = any ($1)', [ids])
      assert.equal(kept, 3)
    },
    both(withoutLock, withoutIndex),
  )

  race(
    'two syncs that name the same tickets in opposite order never wait in a circle',
    async (at) => {
      const ids = await ticketIn(at, 3)
      const batch = (order: readonly string[], device_id: string) =>
        order.map((ticket_id) => ({ ticket_id, scanned_at: minutesAgo(1), device_id }))
      const [forth, back] = [batch(ids, 'forth'), batch(ids.toReversed(), 'back')]
      const answers = await heldAt(at, String(ids[1]), [
        (client) => sync(client, forth),
        (client) => sync(client, back),
      ])
      assert.deepEqual(
        answers.map(({ success }) => success),
        [true, true],
      )
    },
    changed(['ticketing.sync_offline_scans', 'perform ticketing.lock_scanned(v_scan.ticket_id);', '']),
  )
})

describe('a gate list read beside a scan that commits later', () => {
  const raceOfLists = async (at: House) => {
    const { db, box, gates } = at
    const [slow, quick] = (await ticketIn(at, 2)) as [string, string]
    const kept = new Map<string, string>()
    const [, list] = await overlap(
      db,
      gates,
      (client) => scanOnline(client, slow, 'slow'),
      async (client) => {
        // A transaction that began later and is over: no cursor may go past the one that is still under way.
        await scanOnline(client, quick, 'quick')
        return gateList(client, box.eventId)
      },
    )
    applyList(kept, list)
    const next = await gateList(gates[1], box.eventId, list.cursor)
    assert.equal(next.full, false)
    applyList(kept, next)
    assert.deepEqual(kept, await truth(db, box.eventId))
  }
  race(
    'the next list has it',
    raceOfLists,
    changed(['ticketing.gate_list', 'pg_snapshot_xmin(', 'pg_snapshot_xmax(']),
  )
  it('the next list has it: without the trigger that notes changes the naive twin loses', async () => {
    const twin = await openHouse((db) =>
      db.rows('alter table tickets disable trigger trg_note_ticket_change'),
    )
    await assert.rejects(raceOfLists(twin), assert.AssertionError)
  })
})
