import assert from 'node:assert/strict'
import { createPublicKey, randomBytes, randomUUID, verify } from 'node:crypto'
import { describe, it } from 'node:test'
import { eventually } from '../../src/embedded/processes.ts'
import { addTier, buyTickets, openBoxOffice } from '../support/box-office.ts'
import { codesOf } from '../support/codes.ts'
import { applyList, entriesOf, entryOf, truth } from '../support/gates.ts'
import { ask } from './scratch.ts'
import { openShop } from './shop.ts'

const UNDER_WAY_MS_MAX = 30_000

const shop = await openShop()
const { db, house, server } = shop
const codes = await codesOf(db)
const staff = await shop.tokenOf(house.staffId)
const tierId = await addTier(db, house.eventId, { total: 1000 })
const other = await openBoxOffice(db)

interface Sold {
  readonly id: string
  readonly code: string
}

/** Tickets that were bought yesterday. */
async function sold(count: number): Promise<Sold[]> {
  const ids = await buyTickets(db, house.eventId, tierId, count)
  return db.rows<Sold>(
    `update tickets set created_at = now() - interval '1 day' where id = any ($1) returning id, qr_code as code`,
    [ids],
  )
}

const list = (query: Readonly<Record<string, string>>, headers: Readonly<Record<string, string>> = staff) =>
  ask(server, `/functions/v1/gate-list?${new URLSearchParams(query)}`, { headers })
const ago = (ms: number) => new Date(Date.now() - ms).toISOString()

interface List {
  readonly cursor: string
  readonly full: boolean
  readonly since: string | null
  readonly kid: number
  readonly keys: readonly { readonly kid: number; readonly x: string; readonly revoked: boolean }[]
  readonly event: Readonly<Record<string, string>>
  readonly tickets: Readonly<Record<'valid' | 'used' | 'gone', string>>
  readonly signedAt: string
  readonly signature: string
}

/** As a scanner does it, with nothing but the text and the key that it knows. */
function holds(text: string, x: string): boolean {
  const { signature, ...signed } = JSON.parse(text) as List
  const key = createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x } })
  return verify(null, Buffer.from(JSON.stringify(signed)), key, Buffer.from(signature, 'base64url'))
}

describe('gate-list', () => {
  it('gives a gate what it needs, under a signature that it checks with the public key', async () => {
    const [ticket] = await sold(1)
    const answer = await list({ event: house.eventSlug })
    assert.equal(answer.status, 200)
    assert.equal(answer.headers.get('cache-control'), 'private, no-cache')
    const body = JSON.parse(answer.text) as List
    assert.deepEqual([body.event['id'], body.full, body.since], [house.eventId, true, null])
    assert.ok(Date.parse(String(body.event['entryFrom'])) < Date.parse(String(body.event['entryUntil'])))
    assert.ok(entriesOf(body.tickets.valid).includes(entryOf(String(ticket?.code))))
    const key = body.keys.find(({ kid }) => kid === body.kid)
    assert.equal(key?.x, codes.publicKeys[0]?.public_key)
    assert.equal(holds(answer.text, String(key?.x)), true)
    const cut = answer.text.slice(0, answer.text.lastIndexOf(',"signature":'))
    assert.deepEqual(
      Object.keys(JSON.parse(`${cut}}`)),
      Object.keys(body).slice(0, -1),
      'it is the last member',
    )
  })

  it('a list of which anything was changed does not hold', async () => {
    await sold(1)
    const { text } = await list({ event: house.eventId })
    const x = String(codes.publicKeys[0]?.public_key)
    const body = JSON.parse(text) as List
    const changes: readonly Partial<List>[] = [
      { tickets: { ...body.tickets, valid: body.tickets.valid.slice(11) } },
      { event: { ...body.event, id: other.eventId } },
      { full: false },
      { since: body.cursor },
      { cursor: `${body.cursor}1` },
      { signedAt: ago(-1000) },
    ]
    assert.equal(holds(text, x), true)
    for (const change of changes) assert.equal(holds(JSON.stringify({ ...body, ...change }), x), false)
  })

  it('with its cursor gives what changed, over HTTP too', async () => {
    const [ticket] = await sold(2)
    const kept = new Map<string, string>()
    const read = async (query: Readonly<Record<string, string>>) => {
      const body = JSON.parse((await list({ event: house.eventId, ...query })).text)
      applyList(kept, body)
      return body as List
    }
    const { cursor } = await read({})
    await db.rows('select scan_ticket_atomic($1, null)', [ticket?.id])
    const next = await read({ since: cursor })
    assert.deepEqual(
      [next.full, next.since, next.tickets.used],
      [false, cursor, entryOf(String(ticket?.code))],
    )
    assert.deepEqual(kept, await truth(db, house.eventId))
  })

  it('asked for again is a 304 as long as it stands, for those who may have it', async () => {
    const [ticket] = await sold(1)
    let first = await list({ event: house.eventId })
    const tag = () => String(first.headers.get('etag'))
    const again = (query = {}, headers: Record<string, string> = staff) =>
      list({ event: house.eventId, ...query }, { ...headers, 'if-none-match': tag() })
    // While a transaction of before the sale is under way, in whatever database, the sale counts as a change.
    const stands = async () => {
      first = await list({ event: house.eventId })
      return (await again()).status === 304
    }
    assert.ok(await eventually(UNDER_WAY_MS_MAX, stands))
    const same = await again()
    assert.deepEqual([same.status, same.text, same.headers.get('etag')], [304, '', tag()])
    assert.equal(
      (await again({ since: (JSON.parse(first.text) as List).cursor })).status,
      200,
      'another list',
    )
    assert.equal((await again({}, await shop.tokenOf(other.staffId))).status, 404)
    await db.rows(`update events set title = title || '!' where id = $1`, [house.eventId])
    assert.equal((await again()).status, 200, 'another title')
    const titled = await list({ event: house.eventId })
    await db.rows('select scan_ticket_atomic($1, null)', [ticket?.id])
    const scanned = await list(
      { event: house.eventId },
      {
        ...staff,
        'if-none-match': String(titled.headers.get('etag')),
      },
    )
    assert.equal(scanned.status, 200)
    assert.ok(
      entriesOf((JSON.parse(scanned.text) as List).tickets.used).includes(entryOf(String(ticket?.code))),
    )
    await codesOf(db, randomBytes(32).toString('base64url'))
    const keyed = { ...staff, 'if-none-match': String(scanned.headers.get('etag')) }
    await shop.codes.reload()
    assert.equal((await list({ event: house.eventId }, keyed)).status, 200, 'another key')
  })

  const refused: readonly [
    string,
    Readonly<Record<string, string>>,
    () => Promise<Record<string, string>>,
    number,
    string,
  ][] = [
    ['no event', {}, async () => staff, 400, 'INVALID_REQUEST'],
    ['an empty cursor', { event: house.eventId, since: '' }, async () => staff, 400, 'INVALID_REQUEST'],
    ['an unknown event', { event: 'nowhere' }, async () => staff, 404, 'EVENT_NOT_FOUND'],
    ['no bearer', { event: house.eventId }, async () => ({}), 401, 'UNAUTHORIZED'],
    [
      'a bad bearer',
      { event: house.eventId },
      async () => ({ authorization: 'Bearer x.y.z' }),
      401,
      'UNAUTHORIZED',
    ],
    [
      'staff of another house',
      { event: house.eventId },
      () => shop.tokenOf(other.staffId),
      404,
      'EVENT_NOT_FOUND',
    ],
    ['a buyer', { event: house.eventId }, () => shop.tokenOf(randomUUID()), 404, 'EVENT_NOT_FOUND'],
  ]
  for (const [what, query, headers, status, code] of refused)
    it(`refuses ${what}: ${code}`, async () => {
      const answer = await list(query, await headers())
      assert.deepEqual([answer.status, answer.json().code], [status, code])
    })

  it('takes a cursor of another event for none', async () => {
    const elsewhere = await openBoxOffice(db)
    await sold(1)
    const { cursor } = JSON.parse((await list({ event: house.eventId })).text) as List
    await db.rows('insert into business_staff (business_id, user_id) values ($1, $2)', [
      elsewhere.businessId,
      house.staffId,
    ])
    const other = JSON.parse((await list({ event: elsewhere.eventId, since: cursor })).text) as List
    assert.equal(other.full, true)
    const own = JSON.parse((await list({ event: house.eventId, since: cursor })).text) as List
    assert.equal(own.full, false)
  })
})
