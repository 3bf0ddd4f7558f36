import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { assertLawful } from '../support/callers.ts'
import { bookedTable, claimedOffer, type Shown, soldTicket } from '../support/door.ts'
import { openShop } from './shop.ts'

const shop = await openShop()
const { db, house } = shop
await db.rows(`update events set entry_from = now() - interval '1 hour' where id = $1`, [house.eventId])
const door = await shop.member('door')
const colleague = await shop.member('door')
const manager = await shop.member('manager')

const scan = async ({ code }: Shown, scanId: string = randomUUID()) => {
  const given = { qrData: code, businessId: house.businessId, deviceId: 'north', scanId }
  return (await shop.call('validate-qr', given, door)).body
}
const undo = (body: object, headers: Readonly<Record<string, string>> = door) =>
  shop.call('undo-scan', { reason: 'wrong guest', ...body }, headers)

describe('undo-scan', () => {
  for (const [kind, field, make, status] of [
    ['ticket', 'ticketId', () => soldTicket(db, house), 'valid'],
    ['claim', 'claimId', () => claimedOffer(db, house), 'claimed'],
    ['booking', 'bookingId', () => bookedTable(db, house, 0), 'confirmed'],
  ] as const)
    it(`takes back the scan of a ${kind}, by the id that the scan's answer gave`, async () => {
      const shown = await make()
      const { details } = await scan(shown)
      const { id, checkedInAt } = details as { id: string; checkedInAt: string }
      const answer = await undo({ [field]: id, scannedAt: checkedInAt })
      const { undone, ...rest } = answer.body
      assert.equal(answer.status, 200)
      assert.deepEqual(rest, { success: true, qrType: kind, id, status, counted: null, replayed: false })
      assert.equal((undone as { deviceId: string }).deviceId, 'north')
      assert.equal((await scan(shown))['outcome'], 'ADMITTED')
    })

  it('sent again with its scanId is the same answer', async () => {
    const shown = await soldTicket(db, house)
    const scanId = randomUUID()
    await scan(shown, scanId)
    for (const replayed of [false, true])
      assert.equal((await undo({ ticketId: shown.id, scanId })).body['replayed'], replayed)
    assert.equal((await undo({ ticketId: shown.id, scanId: 'other' })).body['code'], 'NOT_SCANNED')
  })

  it('is for who scanned, and for managers', async () => {
    const shown = await soldTicket(db, house)
    await scan(shown, 'table')
    const table = [
      [{}, 401, 'UNAUTHORIZED'],
      [await shop.tokenOf(randomUUID()), 404, 'NOT_FOUND'],
      [colleague, 403, 'FORBIDDEN'],
      [manager, 200, undefined],
    ] as const
    for (const [headers, status, code] of table) {
      const answer = await undo({ ticketId: shown.id, scanId: 'table' }, headers)
      assert.deepEqual([answer.status, answer.body['code']], [status, code])
    }
  })

  it('refuses a scan that is too long ago: 409 UNDO_TOO_LATE', async () => {
    const shown = await soldTicket(db, house)
    await scan(shown, 'late')
    await db.rows(`update scan_logs set recorded_at = now() - interval '1 hour' where ticket_id = $1`, [
      shown.id,
    ])
    const { status, body } = await undo({ ticketId: shown.id, scanId: 'late' })
    assert.deepEqual([status, body['code']], [409, 'UNDO_TOO_LATE'])
  })

  const bad: readonly [string, object, string][] = [
    ['no id', {}, 'ticketId'],
    ['two ids', { ticketId: randomUUID(), claimId: randomUUID() }, 'ticketId'],
    ['an id that is none', { ticketId: 'x' }, 'ticketId'],
    ['no reason', { ticketId: randomUUID(), reason: undefined }, 'reason'],
    ['a reason of blanks', { ticketId: randomUUID(), reason: '  ' }, 'reason'],
    ['a misspelt id', { ticketID: randomUUID() }, 'ticketID'],
    ['a misspelt scan id', { ticketId: randomUUID(), scanID: 'x' }, 'scanID'],
    ['no scan that is meant', { ticketId: randomUUID(), scanId: undefined }, 'scanId'],
    ['a time that is none', { ticketId: randomUUID(), scannedAt: 'at nine' }, 'scannedAt'],
    ['a scan id of null', { ticketId: randomUUID(), scanId: null }, 'scanId'],
  ]
  for (const [what, body, field] of bad)
    it(`refuses ${what} by the name of the field`, async () => {
      const answer = await undo({ scanId: 'x', ...body })
      assert.deepEqual(
        [answer.status, answer.body['code'], answer.body['field']],
        [400, 'INVALID_REQUEST', field],
      )
    })

  it('leaves the laws whole', () => assertLawful(db))
})
