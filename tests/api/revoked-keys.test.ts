import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { addTier } from '../support/box-office.ts'
import { codesOf, everLater, SEED } from '../support/codes.ts'
import { soldTicket } from '../support/door.ts'
import { type Answer, ask, serve } from './scratch.ts'
import { freshKey, openShop, SPELLINGS } from './shop.ts'

const shop = await openShop()
const { db, house, server, codes } = shop
const staff = await shop.tokenOf(house.staffId)
const tierId = await addTier(db, house.eventId)
const seed = () => randomBytes(32).toString('base64url')
const scan = async (qrData: string) =>
  (await shop.call('validate-qr', { qrData, businessId: house.businessId }, staff)).body['outcome']

describe('a key that another server has just registered', () => {
  it('is believed at once, by ten gates that are shown its codes at the same moment', async () => {
    // Whoever asks for the keys uses up no reading that a gate needs.
    await ask(server, '/functions/v1/ticket-keys')
    const other = await codesOf(db, seed())
    const tokens = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const { scopeId, code } = await soldTicket(db, house)
        return other.token('ticket', scopeId, code)
      }),
    )
    assert.deepEqual(await Promise.all(tokens.map(scan)), Array(10).fill('ADMITTED'))
  })

  it('is published with the next list of a gate, and a revocation to everybody', async (t) => {
    const own = await codesOf(db, SEED, everLater())
    const patient = await serve(db.url, { app: { codes: own } })
    t.after(() => patient[Symbol.asyncDispose]())
    const keyIn = ({ text }: Answer, kid: number) =>
      (JSON.parse(text) as { keys: { kid: number; revoked: boolean }[] }).keys.find((key) => key.kid === kid)
    const { kid } = await codesOf(db, seed())
    const list = await ask(patient, `/functions/v1/gate-list?event=${house.eventId}`, { headers: staff })
    assert.equal(keyIn(list, kid)?.revoked, false)
    await db.rows('select ticketing.revoke_code_key($1)', [kid])
    assert.equal(keyIn(await ask(patient, '/functions/v1/ticket-keys'), kid)?.revoked, true)
  })
})

describe('a server whose own key was revoked', () => {
  it('sells nothing, signs no list and says why; what was sold is shown by its plain code', async () => {
    const cart = SPELLINGS['create-ticket-checkout']?.(house.eventId, tierId, 1) ?? {}
    const sold = await shop.call('create-ticket-checkout', cart, freshKey())
    const token = String((sold.body['tickets'] as { code: string }[])[0]?.code)
    const plain = await db.value<string>(`select qr_code from tickets order by created_at desc limit 1`)
    const orderUrl = String(sold.body['url'])
    assert.equal(sold.status, 200, sold.text)

    await db.rows('select ticketing.revoke_code_key($1)', [codes.kid])
    await codes.reload()
    const guest = await shop.tokenOf(randomUUID())
    const table = {
      businessId: house.businessId,
      date: '2086-01-04',
      time: '19:00',
      partySize: 2,
      name: 'Ada',
    }
    const answers = [
      ...(await Promise.all(
        Object.entries(SPELLINGS).map(([name, spell]) =>
          shop.call(name, spell(house.eventId, tierId, 1), freshKey()),
        ),
      )),
      await shop.call('claim-offer', { discountId: randomUUID(), partySize: 1 }, guest),
      await shop.call('book-slot', table, guest),
      await ask(server, `/functions/v1/gate-list?event=${house.eventId}`, { headers: staff }),
      await ask(server, '/functions/v1/health-check'),
    ]
    for (const { status, text } of answers)
      assert.deepEqual([status, /SIGNING_KEY_REVOKED/.test(text)], [503, true], text)
    assert.equal(await scan(token), 'UNKNOWN')
    const page = await (await fetch(orderUrl)).text()
    assert.ok(page.includes(plain.match(/.{4}/g)?.join(' ') ?? ''))
    assert.equal(await scan(plain), 'ADMITTED')
  })
})
