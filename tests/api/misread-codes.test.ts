import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import { qrSpelling } from '../../src/core/code-token.ts'
import { bookedTable, claimedOffer, soldTicket } from '../support/door.ts'
import { KEYBOARDS } from '../support/keyboards.ts'
import { openGate, openShop } from './shop.ts'

const shop = await openShop()
const { db, house, codes } = shop
const { staff, ticketToken, scan } = await openGate(shop)

describe('what a gate has misread', () => {
  it('says of what cannot be a code to scan again, and keeps it under its hash', async () => {
    const token = ticketToken(await soldTicket(db, house))
    const qr = qrSpelling(token)
    const shown = [
      ' hello\n',
      'https://example.org/?q=1',
      'é\u0000\ud800',
      '7'.repeat(7089),
      token.slice(0, -1),
      qr.slice(0, -1),
      token.toUpperCase(),
      `${token.slice(0, 50)}!${token.slice(51)}`,
      token + token,
      qr + qr,
    ]
    const answers = await Promise.all(shown.map((text) => scan(text)))
    for (const answer of answers) {
      assert.equal(answer.status, 200)
      assert.deepEqual(answer.body, {
        success: false,
        outcome: 'UNREADABLE',
        message: 'Not readable: scan again.',
        qrType: 'unknown',
        alreadyUsed: false,
        details: {},
      })
    }
    const digest = createHash('sha256').update('hello').digest('hex')
    assert.deepEqual(await db.rows('select error_code from scan_logs where presented_hash = $1', [digest]), [
      { error_code: 'UNREADABLE' },
    ])
    assert.equal((await scan(qr)).body['success'], true, 'it was never used')
  })

  for (const [name, typed] of Object.entries(KEYBOARDS)) {
    it(`is undone: ${name}, a scanner's ]Q1, an address and a line end`, async () => {
      const shown = [await soldTicket(db, house), await soldTicket(db, house)]
      const [old, qr] = shown.map(ticketToken) as [string, string]
      for (const text of [typed(`]Q1${old}`), typed(`https://example.org/t?c=${qrSpelling(qr)}`)]) {
        const { body } = await scan(`\ufeff${text}\r\n`)
        assert.equal(body['outcome'], 'ADMITTED', text)
      }
    })
  }

  it('is undone of claims and bookings too', async () => {
    const claim = await claimedOffer(db, house)
    const booking = await bookedTable(db, house, 0)
    const tokens = [
      codes.token('claim', claim.scopeId, claim.code),
      codes.token('booking', booking.scopeId, booking.code),
    ]
    for (const token of tokens) {
      const { body } = await scan(KEYBOARDS['AZERTY']?.(qrSpelling(token)))
      assert.equal(body['outcome'], 'ADMITTED')
    }
  })
})

describe('what stands beside a code', () => {
  const besides: readonly (readonly [string, object])[] = [
    ...[7, {}, [], true, 'xx', 'x'.repeat(36), 'de'.repeat(30_000)].map(
      (language) => ['language', { language }] as const,
    ),
    ...['x'.repeat(201), 'a\u0000', '\ud800', 7, {}].map((deviceId) => ['deviceId', { deviceId }] as const),
    ...['x'.repeat(256), 'a\u0000', '\ud800', 7, {}, []].map((scanId) => ['scanId', { scanId }] as const),
  ]
  for (const [field, beside] of besides) {
    it(`judges a code whatever stands beside it: ${JSON.stringify(beside).slice(0, 40)}`, async () => {
      const { code } = await soldTicket(db, house)
      const { status, body } = await scan(code, beside)
      assert.deepEqual(
        [status, body['outcome'], body['message'], body['disbelieved']],
        [200, 'ADMITTED', 'Welcome!', [field]],
      )
      const again = await scan(code, beside)
      assert.equal(again.body['outcome'], field === 'scanId' ? 'ADMITTED' : 'ALREADY_USED')
    })
  }

  it('takes a key of any form for a scan id, cuts a long name, and says nothing of what was not sent', async () => {
    const { code } = await soldTicket(db, house)
    const head = { ...staff, 'idempotency-key': 'é'.repeat(300) }
    const first = await scan(code, { deviceId: 'north '.repeat(50), language: '', scanId: '' }, head)
    assert.deepEqual([first.body['outcome'], first.body['disbelieved']], ['ADMITTED', ['deviceId']])
    const told = (await scan(code, { deviceId: null, scanId: null })).body
    assert.deepEqual([told['outcome'], told['disbelieved']], ['ALREADY_USED', undefined])
    const { checkedInDevice } = told['details'] as Record<string, string>
    assert.equal(checkedInDevice, 'north '.repeat(50).slice(0, 200).trim())
  })
})
