import assert from 'node:assert/strict'
import { createPublicKey, randomBytes, randomUUID, verify } from 'node:crypto'
import { describe, it } from 'node:test'
import { scanMessage } from '../../src/api/functions/scan-messages.ts'
import { decodeToken } from '../../src/core/code-token.ts'
import type { ScanOutcome } from '../../src/core/scan-outcomes.ts'
import { addTier, openBoxOffice } from '../support/box-office.ts'
import { codesOf } from '../support/codes.ts'
import { bookedTable, claimedOffer, soldTicket } from '../support/door.ts'
import { openGate, openShop } from './shop.ts'

const shop = await openShop()
const { db, house, codes } = shop
const { staff, ticketToken, scan } = await openGate(shop)

describe('validate-qr', () => {
  it('lets a ticket in once, with the fields of the contract, and says already to the second', async () => {
    const shown = await soldTicket(db, house)
    const first = await scan(ticketToken(shown))
    assert.equal(first.status, 200)
    const { details, ...rest } = first.body
    assert.deepEqual(rest, { success: true, outcome: 'ADMITTED', message: 'Welcome!', qrType: 'ticket' })
    const { eventStartAt, checkedInAt, ...shownDetails } = details as Record<string, unknown>
    assert.ok(!Number.isNaN(Date.parse(String(eventStartAt))))
    assert.deepEqual(shownDetails, {
      id: shown.id,
      tierName: 'Floor',
      tierPrice: 0,
      tierPriceCents: 0,
      currency: 'EUR',
      customerName: 'Ada Buyer',
      customerEmail: 'a***@example.org',
      eventId: house.eventId,
      eventTitle: 'Gala',
    })
    const second = await scan(ticketToken(shown))
    const { message, ...told } = second.body
    assert.match(String(message), /already/)
    assert.deepEqual(told, {
      success: false,
      outcome: 'ALREADY_USED',
      qrType: 'ticket',
      alreadyUsed: true,
      details,
    })
    const named = await soldTicket(db, house)
    await scan(ticketToken(named), { deviceId: 'north' })
    const third = await scan(ticketToken(named), { deviceId: 'south' })
    assert.equal((third.body['details'] as Record<string, unknown>)['checkedInDevice'], 'north')
    assert.ok(checkedInAt)
  })

  const names: readonly [string, object, Record<string, string>][] = [
    ['scanId', { scanId: 'opening' }, {}],
    ['Idempotency-Key', {}, { 'idempotency-key': 'opening' }],
  ]
  for (const [what, more, headers] of names)
    it(`gives the answer that was lost again to the same ${what}, and to no other`, async () => {
      const token = ticketToken(await soldTicket(db, house))
      const send = (body: object, head: Record<string, string>) => scan(token, body, { ...staff, ...head })
      const first = await send(more, headers)
      assert.equal(first.body['outcome'], 'ADMITTED')
      assert.deepEqual((await send(more, headers)).body, first.body)
      assert.equal((await send({ scanId: 'another' }, headers)).body['outcome'], 'ALREADY_USED')
      assert.equal((await send({}, {})).body['outcome'], 'ALREADY_USED')
    })

  it('reads the plain code too, as it is printed or typed', async () => {
    const shown = await soldTicket(db, house)
    const typed = ` ${shown.code.toUpperCase().match(/.{4}/g)?.join(' ')} `
    assert.equal((await scan(typed)).body['success'], true)
  })

  it('takes claims and bookings', async () => {
    const claim = await claimedOffer(db, house)
    const booking = await bookedTable(db, house, 0)
    const claimed = await scan(codes.token('claim', claim.scopeId, claim.code))
    assert.deepEqual([claimed.body['success'], claimed.body['qrType']], [true, 'claim'])
    const booked = await scan(codes.token('booking', booking.scopeId, booking.code))
    assert.deepEqual([booked.body['success'], booked.body['qrType']], [true, 'booking'])
  })

  it('says the price in the currency as people write it', async () => {
    const yen = await openBoxOffice(db)
    await db.rows(`update events set currency = 'JPY' where id = $1`, [yen.eventId])
    for (const [business, cents, price] of [
      [house, 2550, 25.5],
      [yen, 2550, 2550],
    ] as const) {
      const shown = await soldTicket(db, business)
      await db.rows(
        'update order_items set unit_price_cents = $2 where id = (select order_item_id from tickets where id = $1)',
        [shown.id, cents],
      )
      const headers = await shop.tokenOf(business.staffId)
      const { body } = await scan(shown.code, { businessId: business.businessId }, headers)
      assert.equal((body['details'] as { tierPrice: number }).tierPrice, price)
    }
  })

  it('answers whatever is no code of ours in one and the same way, and learns nothing', async () => {
    const other = await openBoxOffice(db)
    const theirs = await soldTicket(db, other)
    const mine = await soldTicket(db, house)
    // A server that reads the keys in between believes it for a while.
    const stolen = await codesOf(db, randomBytes(32).toString('base64url'))
    await db.rows('select ticketing.revoke_code_key($1)', [stolen.kid])
    const revoked = stolen.token('ticket', mine.scopeId, mine.code)
    const code = ticketToken(mine)
    const forged = `${code.slice(0, -2)}${code.endsWith('AA') ? 'QQ' : 'AA'}`
    const shown = [randomBytes(16).toString('hex'), theirs.code, ticketToken(theirs), forged, revoked]
    const [first, ...others] = await Promise.all(shown.map((text) => scan(text)))
    assert.deepEqual(first?.body, {
      success: false,
      outcome: 'UNKNOWN',
      message: 'This code is not valid here.',
      qrType: 'unknown',
      alreadyUsed: false,
      details: {},
    })
    for (const answer of others) assert.deepEqual([answer.status, answer.body], [200, first.body])
    const admitted = await scan(
      ticketToken(theirs),
      { businessId: other.businessId },
      await shop.tokenOf(other.staffId),
    )
    assert.equal(admitted.body['success'], true, 'it was never used here')
  })

  it('reads at once what another server signs with a key that it registers now', async () => {
    const shown = await soldTicket(db, house)
    const elsewhere = await codesOf(db, randomBytes(32).toString('base64url'))
    const answer = await scan(elsewhere.token('ticket', shown.scopeId, shown.code))
    assert.equal(answer.body['success'], true)
  })

  it('answers 2,000 changed codes with 200, and admits none', async () => {
    const token = ticketToken(await soldTicket(db, house))
    const bytes = Buffer.from(token.slice(2), 'base64url')
    const changed = Array.from({ length: 688 }, (_, bit) => {
      const copy = Buffer.from(bytes)
      copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      return `A1${copy.toString('base64url')}`
    })
    const texts = [
      ...changed,
      ...changed.map((text) => text.slice(0, -1)),
      ...changed.map((text) => `${text}=`),
    ].slice(0, 2000)
    // 688 of the right shape, and then those that are too short; what is padded is read without its padding.
    const outcomeOf = (text: string) =>
      text.replace('=', '').length === token.length ? 'UNKNOWN' : 'UNREADABLE'
    for (let from = 0; from < texts.length; from += 20) {
      const answers = await Promise.all(texts.slice(from, from + 20).map((text) => scan(text)))
      for (const [at, { status, body }] of answers.entries())
        assert.deepEqual([status, body['outcome']], [200, outcomeOf(texts[from + at] ?? '')])
    }
    assert.equal((await scan(token)).body['success'], true)
  })

  const languages: readonly (readonly [string | null | undefined, RegExp])[] = [
    ['en', /already used/],
    ['el', /ήδη/],
    ['el-GR', /ήδη/],
    ['de', /bereits/],
    ['fr', /déjà/],
    ['es', /ya se ha usado/],
    ['it', /già/],
    ['xx', /already used/],
    ['constructor', /already used/],
    ['', /already used/],
    [null, /already used/],
    [undefined, /already used/],
  ]
  for (const [language, words] of languages) {
    it(`speaks ${language ?? 'English where none is asked for'}`, async () => {
      const shown = await soldTicket(db, house, 'used')
      await db.rows(
        `insert into scan_logs (event_id, ticket_id, scan_method, scan_success, scanned_at) values ($1, $2, 'qr', true, now())`,
        [shown.scopeId, shown.id],
      )
      assert.match(String((await scan(shown.code, { language })).body['message']), words)
      if (typeof language === 'string') assert.match(scanMessage('ALREADY_USED', language), words)
    })
  }

  const words: Readonly<Record<ScanOutcome, readonly RegExp[]>> = {
    WRONG_EVENT: [
      /another event/,
      /άλλη εκδήλωση/,
      /andere Veranst/,
      /autre év/,
      /otro evento/,
      /altro evento/,
    ],
    ADMITTED: [/^Welcome/, /^Καλώς/, /^Willkommen/, /^Bienvenue/, /^¡Bienvenido/, /^Benvenuti/],
    ALREADY_USED: [/already used/, /ήδη/, /bereits/, /déjà/, /ya se ha usado/, /già/],
    UNDONE: [/was undone/, /αναιρέθηκε/, /rückgängig/, /annulé/, /anulado/, /annullata/],
    REFUNDED: [/^Refunded/, /^Έγινε επιστροφή/, /^Erstattet/, /^Remboursé/, /^Reembolsada/, /^Rimborsato/],
    REFUNDING: [
      ...[/^Being refunded/, /^Γίνεται επιστροφή/, /^Wird erstattet/, /^En cours de remb/],
      ...[/^En proceso de reemb/, /^In fase di rimb/],
    ],
    CANCELLED: [/^Cancelled/, /^Ακυρώθηκε/, /^Storniert/, /^Annulé/, /^Cancelado/, /^Annullato/],
    EVENT_CANCELLED: [/event is canc/, /ακυρώθηκε/, /abgesagt/, /annulé/, /cancelado/, /annullato/],
    TOO_EARLY: [/^Too early/, /^Πολύ νωρίς/, /^Zu früh/, /^Trop tôt/, /^Demasiado pronto/, /^Troppo presto/],
    TOO_LATE: [/^Too late/, /^Πολύ αργά/, /^Zu spät/, /^Trop tard/, /^Demasiado tarde/, /^Troppo tardi/],
    UNREADABLE: [
      ...[/^Not readable: scan again/, /σαρώστε ξανά/, /noch einmal scannen/],
      ...[/scannez à nouveau/, /vuelva a escanear/, /scansionare di nuovo/],
    ],
    UNKNOWN: [
      /not valid/,
      /δεν ισχύει/,
      /gilt hier nicht/,
      /n’est pas valable/,
      /no es válido/,
      /non è valido/,
    ],
  }
  it("names the event of another event's ticket, in the message and the details", async () => {
    const shown = await soldTicket(db, house)
    const other = await db.value<string>(
      `insert into events (business_id, slug, title, start_at, end_at, status)
       select business_id, 'the-other', 'The other', start_at, end_at, status from events where id = $1 returning slug`,
      [house.eventId],
    )
    const { status, body } = await scan(shown.code, { eventId: other, language: 'de' })
    assert.deepEqual(
      [status, body['success'], body['outcome'], body['message']],
      [200, false, 'WRONG_EVENT', 'Dieses Ticket ist für eine andere Veranstaltung: Gala'],
    )
    const { eventId, eventTitle } = body['details'] as Record<string, unknown>
    assert.deepEqual([eventId, eventTitle], [house.eventId, 'Gala'])
    const unknown = await scan(shown.code, { eventId: 'no-such-event' })
    assert.deepEqual([unknown.status, unknown.body['code']], [404, 'EVENT_NOT_FOUND'])
    assert.equal((await scan(shown.code, { eventId: house.eventSlug })).body['outcome'], 'ADMITTED')
  })

  it('says every outcome in every language, each in words of its own', () => {
    for (const [i, language] of ['en', 'el', 'de', 'fr', 'es', 'it'].entries()) {
      const said = Object.entries(words).map(([outcome, patterns]) => {
        const message = scanMessage(outcome as ScanOutcome, language)
        assert.match(message, patterns[i] as RegExp, `${outcome} in ${language}`)
        return message
      })
      assert.equal(new Set(said).size, said.length)
    }
  })

  it('is for the staff of that business: 401 without a token or with a bad one, 403 for everybody else', async () => {
    const shown = await soldTicket(db, house)
    const other = await openBoxOffice(db)
    const cases = [
      [{}, 401, 'UNAUTHORIZED'],
      [{ authorization: 'Bearer of.bad.news' }, 401, 'UNAUTHORIZED'],
      [{ authorization: `Bearer ${shop.server.authenticator.keys.anon}` }, 401, 'UNAUTHORIZED'],
      [await shop.tokenOf(other.staffId), 403, 'FORBIDDEN'],
      [await shop.tokenOf(randomUUID()), 403, 'FORBIDDEN'],
    ] as const
    for (const [headers, status, code] of cases) {
      const answer = await scan(shown.code, {}, headers as Record<string, string>)
      assert.deepEqual(
        [answer.status, answer.body['code'], answer.body['details']],
        [status, code, undefined],
      )
    }
    const service = { authorization: `Bearer ${shop.server.authenticator.keys.serviceRole}` }
    assert.equal((await scan(shown.code, {}, service)).body['success'], true)
  })

  const malformed: readonly (readonly [string, unknown])[] = [
    ['qrData', { qrData: undefined }],
    ['qrData', { qrData: '' }],
    ['qrData', { qrData: 7 }],
    ['qrData', { qrData: '7'.repeat(7090) }],
    ['businessId', { businessId: 'the-house' }],
  ]
  for (const [field, more] of malformed) {
    it(`refuses with 400 and the field: ${JSON.stringify(more).slice(0, 40)}`, async () => {
      const answer = await scan('code', more as object)
      assert.deepEqual(
        [answer.status, answer.body['code'], answer.body['field']],
        [400, 'INVALID_REQUEST', field],
      )
    })
  }

  it('says 503 and when to try again while the ticket is locked', async () => {
    const shown = await soldTicket(db, house)
    const other = await db.connect()
    await other.query('begin')
    await other.query('select from tickets where id = $1 for update', [shown.id])
    const answer = await scan(shown.code)
    await other.query('rollback')
    assert.deepEqual(
      [answer.status, answer.body['code'], answer.headers.get('retry-after')],
      [503, 'LOCK_TIMEOUT', '1'],
    )
    assert.match(String(answer.body['error']), /Server busy/)
    assert.equal((await scan(shown.code)).body['success'], true)
  })

  it('twenty gates at once, one ticket: one lets it in, the others say already', async () => {
    const token = ticketToken(await soldTicket(db, house))
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => scan(token, { deviceId: `gate ${n}` })),
    )
    const outcomes = answers.map(({ body }) => body['outcome']).sort()
    assert.deepEqual(outcomes, ['ADMITTED', ...Array.from({ length: 19 }, () => 'ALREADY_USED')])
  })
})

describe('ticket-keys', () => {
  it('gives anybody what it takes to check a code, for five minutes', async () => {
    const response = await fetch(`${shop.server.url}/functions/v1/ticket-keys`)
    assert.deepEqual([response.status, response.headers.get('cache-control')], [200, 'public, max-age=300'])
    const { keys } = (await response.json()) as { keys: { kid: number; x: string; revoked: boolean }[] }
    const key = keys.find(({ kid }) => kid === codes.kid)
    assert.deepEqual(key, { kid: codes.kid, kty: 'OKP', crv: 'Ed25519', x: key?.x, revoked: false })
    const token = codes.token('ticket', house.eventId, randomBytes(16).toString('hex'))
    const { signed, signature } = decodeToken(token) ?? assert.fail()
    const publicKey = createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x: key?.x ?? '' } })
    assert.ok(verify(null, signed, publicKey, signature))
  })
})

describe('a checkout', () => {
  it('answers with the codes that the gate reads, and never with the plain ones', async () => {
    const tier = await addTier(db, house.eventId)
    const answer = await shop.call('create-ticket-checkout', {
      eventId: house.eventId,
      items: [{ tierId: tier, quantity: 2 }],
      customerName: 'Ada',
      customerEmail: 'ada@example.org',
    })
    const tickets = answer.body['tickets'] as { id: string; code: string; qr: string }[]
    const stored = await db.rows<{ qr_code: string }>('select qr_code from tickets where tier_id = $1', [
      tier,
    ])
    for (const { qr_code } of stored) assert.ok(!answer.text.includes(qr_code))
    for (const [at, { id, code, qr }] of tickets.entries()) {
      assert.match(code, /^A1[\w-]{115}$/)
      assert.match(qr, /^A1[\dA-V]{138}$/)
      const { body } = await scan(at === 0 ? code : qr)
      assert.deepEqual([body['success'], (body['details'] as { id: string }).id], [true, id])
    }
    const page = await (await fetch(String(answer.body['url']))).text()
    assert.match(page, /Used/)
  })
})
