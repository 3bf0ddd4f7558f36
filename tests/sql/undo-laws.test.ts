import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { takeAway } from '../../src/proof/sabotage/sabotage.ts'
import { addTier, buyTickets, openBoxOffice } from '../support/box-office.ts'
import { testDatabase } from '../support/database.ts'
import { claimedOffer, soldTicket } from '../support/door.ts'
import { scanOnline } from '../support/gates.ts'
import { openQrGate, plain } from '../support/qr-gate.ts'
import { countedAt } from '../support/undoings.ts'

describe('the laws of undone scans', () => {
  const broken = async (change: string, kind: 'ticket' | 'claim' = 'ticket') => {
    const naive = await openQrGate()
    const shown =
      kind === 'ticket' ? await soldTicket(naive.db, naive.house) : await claimedOffer(naive.db, naive.house)
    await naive.scan(plain(shown))
    await naive.db.rows('select ticketing.undo_scan($1, $2, $3, null, null, $4)', [
      ...[kind, shown.id, 'why', await countedAt(naive.db, shown.id)],
    ])
    assert.deepEqual(await naive.db.rows('select law from ticketing.broken_laws()'), [])
    await naive.db.rows('alter table scan_logs disable trigger trg_refuse_undo_change')
    await naive.db.rows(change, [shown.id])
    const laws = await naive.db.rows<{ law: string }>('select law from ticketing.broken_laws()')
    // So that the laws are empty when the test ends.
    await naive.db.rows('delete from scan_logs where undoes is not null')
    await naive.db.rows('delete from scan_logs')
    await naive.db.rows(`update tickets set status = 'valid', checked_in_at = null`)
    await naive.db.rows('alter table scan_logs enable always trigger trg_refuse_undo_change')
    return laws.map(({ law }) => law)
  }
  const changes: readonly [string, string][] = [
    [
      'an undone scan that counts all the same',
      `update scan_logs set scan_success = true, error_code = null
       where ticket_id = $1 and error_code = 'UNDONE'`,
    ],
    [
      'a scan that stopped counting with nobody having undone it',
      `delete from scan_logs where ticket_id = $1 and undoes is not null`,
    ],
    [
      'an undone scan that is called by another name',
      `update scan_logs set error_code = 'ALREADY_USED', offline = true
       where ticket_id = $1 and error_code = 'UNDONE'`,
    ],
    [
      'an undoing that is not of this ticket',
      'update scan_logs set ticket_id = null where ticket_id = $1 and undoes is not null',
    ],
    [
      'an undoing that is a scan',
      `update scan_logs set error_code = 'ALREADY_USED' where ticket_id = $1 and undoes is not null`,
    ],
  ]
  for (const [what, change] of changes)
    it(`see ${what}`, async () => assert.deepEqual(await broken(change), ['admitted_once']))
  it('see it of a party too', async () => {
    assert.deepEqual(
      await broken('delete from scan_logs where claim_id = $1 and undoes is not null', 'claim'),
      ['party_admitted_once'],
    )
  })

  it('see a ticket that an undoing freed though a gate without network had let somebody in: the naive twin', async () => {
    const naive = await testDatabase()
    await takeAway(naive.client, {
      name: 'naive',
      role: 'refuses',
      kind: 'decision',
      object: '',
      without: [['ticketing.count_first_opening', 's.offline or s.scan_success', 's.scan_success']],
    })
    const { eventId } = await openBoxOffice(naive)
    const [id] = await buyTickets(naive, eventId, await addTier(naive, eventId), 1)
    await scanOnline(naive.client, String(id), 'online')
    await naive.rows(`select sync_offline_scan($1, null, now(), 'offline')`, [id])
    await naive.rows(`select ticketing.undo_scan('ticket', $1, 'why', null, null, $2)`, [
      ...[id, await countedAt(naive, String(id))],
    ])
    assert.deepEqual(await naive.rows('select ticket_id from ticketing.law_admitted_once'), [
      { ticket_id: id },
    ])
  })
})
