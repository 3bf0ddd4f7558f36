import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GUARANTEES } from '../../src/core/guarantees.ts'
import { dueToBeNamed, takeAway } from '../../src/proof/sabotage/sabotage.ts'
import { testDatabase } from '../support/database.ts'
import { undone } from '../support/undone.ts'

const db = await testDatabase()
const protections = GUARANTEES.flatMap((g) => g.protections.map((p) => ({ guarantee: g, protection: p })))

const inactive = async () =>
  db.rows<{ protection: string; object: string; detail: string }>(
    'select protection, object, detail from verify_protections() where not active',
  )

describe('verify_protections', () => {
  it('lists the registry, in its order, all of it in place', async () => {
    assert.deepEqual(
      await db.rows('select guarantee, protection, kind, object, active, detail from verify_protections()'),
      protections.map(({ guarantee, protection }) => ({
        guarantee: guarantee.name,
        protection: protection.name,
        kind: protection.kind,
        object: protection.object,
        active: true,
        detail: 'in place',
      })),
    )
  })

  for (const { guarantee, protection } of protections) {
    it(`names exactly ${protection.name} on ${protection.object} (${guarantee.name}) when it is taken away`, async () => {
      await undone(db, async (client) => {
        await takeAway(client, protection)
        const detail = { trigger: 'disabled', decision: 'changed since it was installed' }[
          protection.kind as string
        ]
        const isSaid = protection.kind === 'setting' || protection.kind === 'schema'
        const named = await inactive()
        assert.deepEqual(
          named.map((row) => (isSaid ? { ...row, detail: 'said' } : row)),
          dueToBeNamed([protection]).map(({ name, object }) => ({
            protection: name,
            object,
            detail: isSaid ? 'said' : (detail ?? 'missing'),
          })),
        )
      })
    })
  }

  const changes: readonly [string, string, readonly string[]][] = [
    [
      'a trigger that fires for replicas only',
      'alter table ticket_holds enable replica trigger trg_check_hold_capacity',
      ['trg_check_hold_capacity'],
    ],
    ['a trigger that is dropped', 'drop trigger trg_reserve_capacity on tickets', ['trg_reserve_capacity']],
    [
      "a trigger's function that does nothing",
      `create or replace function ticketing.check_hold_capacity() returns trigger language plpgsql as 'begin return null; end'`,
      ['trg_check_hold_capacity', 'trg_check_hold_capacity_upd'],
    ],
    [
      'the capacity check behind four triggers',
      `create or replace function ticketing.demand_capacity(p_tier_id uuid, p_more bigint, p_protection text)
       returns void language plpgsql as 'begin end'`,
      [
        'trg_check_hold_capacity',
        'trg_check_hold_capacity_upd',
        'trg_check_ticket_capacity_upd',
        'trg_reserve_capacity',
      ],
    ],
    [
      'a lock that locks nothing',
      `create or replace function ticketing.lock_key(p_key text) returns void language plpgsql as 'begin end'`,
      ['decision under the tier lock'],
    ],
    [
      'a constraint that is wider',
      `alter table ticket_tiers drop constraint check_sold_lte_total,
       add constraint check_sold_lte_total check (sold_quantity <= total_quantity + 1)`,
      ['check_sold_lte_total'],
    ],
    [
      'a constraint that is not valid',
      `alter table ticket_tiers drop constraint check_sold_lte_total,
       add constraint check_sold_lte_total check (sold_quantity <= total_quantity) not valid`,
      ['check_sold_lte_total'],
    ],
    [
      'an index that is not unique',
      `drop index uniq_successful_scan; create index uniq_successful_scan on scan_logs (ticket_id) where scan_success`,
      ['uniq_successful_scan'],
    ],
  ]
  for (const [what, sql, named] of changes) {
    it(`sees ${what}`, async () => {
      await undone(db, async (client) => {
        await client.query(sql)
        assert.deepEqual((await inactive()).map((row) => row.protection).sort(), [...named])
      })
    })
  }
})
