import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { qrSpelling } from '../../src/core/code-token.ts'
import { MISTYPINGS } from '../../src/core/keyboards.ts'
import { codesOf } from '../support/codes.ts'
import { soldTicket } from '../support/door.ts'
import { KEYBOARDS } from '../support/keyboards.ts'
import { openShop } from './shop.ts'

const shop = await openShop()
const { db, house, codes } = shop
const staff = await shop.tokenOf(house.staffId)
const SCANS = 100
/** A gate that sends an evening lets others have their turn after so many. */
const SCANS_A_TURN = 20

const sync = async (shown: readonly string[], headers = staff) => {
  const scans = shown.map((code) => ({ code, scannedAt: new Date().toISOString(), scanId: randomUUID() }))
  const { status, body } = await shop.call(
    'sync-offline-scans',
    { businessId: house.businessId, scans },
    headers,
  )
  return { status, results: (body['results'] ?? []) as readonly Readonly<Record<string, unknown>>[] }
}
const scanned = async (qrData: string) =>
  (await shop.call('validate-qr', { qrData, businessId: house.businessId }, staff)).body['outcome']
const forged = () => `A1${'0'.repeat(138)}`

describe('an entry whose key a gate had and the server no longer believes', () => {
  for (const [name, typed] of Object.entries(KEYBOARDS)) {
    it(`is recorded, whatever a keyboard made of its code: ${name}`, async () => {
      const other = await codesOf(db, randomBytes(32).toString('base64url'))
      const tickets = [await soldTicket(db, house), await soldTicket(db, house)]
      const [old, qr] = tickets.map(({ scopeId, code }) => other.token('ticket', scopeId, code))
      // This server has not read the key; another one made it, and somebody revoked it since.
      await db.rows('select ticketing.revoke_code_key($1)', [other.kid])
      const { results } = await sync([typed(old ?? ''), typed(qrSpelling(qr ?? ''))])
      assert.deepEqual(
        results.map(({ success, error }) => [success, error]),
        [
          [true, null],
          [true, null],
        ],
      )
      for (const { code } of tickets) assert.equal(await scanned(code), 'ALREADY_USED')
    })
  }

  it('is no entry of a claim, nor of a ticket that is nobody’s', async () => {
    const { scopeId, code } = await soldTicket(db, house)
    const typed = KEYBOARDS['AZERTY'] ?? String
    const { results } = await sync([
      typed(qrSpelling(codes.token('claim', scopeId, code))),
      typed(qrSpelling(codes.token('ticket', scopeId, randomBytes(16).toString('hex')))),
    ])
    assert.deepEqual(
      results.map(({ error }) => error),
      ['NOT_FOUND', 'NOT_FOUND'],
    )
    assert.equal(await scanned(code), 'ADMITTED')
  })
})

describe('the work of a list', () => {
  it('is none for a stranger', async (t) => {
    const stranger = await shop.tokenOf(randomUUID())
    const asked = t.mock.method(codes, 'hasSigned')
    const looked = MISTYPINGS.map((meantBy) => t.mock.method(meantBy as Map<string, string>, 'get'))
    const shown = Array.from({ length: SCANS }, () => KEYBOARDS['AZERTY']?.(forged()) ?? '')
    assert.equal((await sync([...shown, forged()], stranger)).status, 403)
    assert.deepEqual(
      [asked, ...looked].map(({ mock }) => mock.callCount()).filter((count) => count > 0),
      [],
    )
  })

  it('is one signature a scan, and no keyboard, where codes stand as they were signed', async (t) => {
    const { scopeId, code } = await soldTicket(db, house)
    const token = codes.token('ticket', scopeId, code)
    const asked = t.mock.method(codes, 'hasSigned')
    const looked = MISTYPINGS.map((meantBy) => t.mock.method(meantBy as Map<string, string>, 'get'))
    const shown = Array.from({ length: SCANS }, (_, at) => (at % 2 === 0 ? token : qrSpelling(token)))
    assert.equal((await sync(shown)).status, 200)
    assert.equal(asked.mock.callCount(), SCANS)
    assert.deepEqual(
      looked.filter(({ mock }) => mock.callCount() > 0),
      [],
    )
  })

  it('lets others have their turn', async (t) => {
    let turn = 0
    let ticking = true
    const tick = () => {
      turn += 1
      if (ticking) setImmediate(tick)
    }
    const turns: number[] = []
    const { hasSigned } = codes
    t.mock.method(codes, 'hasSigned', (token: Parameters<typeof hasSigned>[0]) => {
      turns.push(turn)
      return hasSigned(token)
    })
    const { scopeId, code } = await soldTicket(db, house)
    const token = codes.token('ticket', scopeId, code)
    tick()
    await sync(Array.from({ length: SCANS }, () => token))
    ticking = false
    assert.equal(turns.length, SCANS)
    const inOneTurn = Math.max(
      ...Object.values(Object.groupBy(turns, String)).map((some) => some?.length ?? 0),
    )
    assert.ok(inOneTurn <= SCANS_A_TURN, `${inOneTurn} in one turn`)
  })
})
