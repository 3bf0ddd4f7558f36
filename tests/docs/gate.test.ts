import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { after, test } from 'node:test'
import { qrSpelling } from '../../src/core/code-token.ts'
import { openShop } from '../api/shop.ts'
import { addTier, buyTickets } from '../support/box-office.ts'
import { assertLawful } from '../support/callers.ts'
import { codesOf } from '../support/codes.ts'
import { KEYBOARDS } from '../support/keyboards.ts'
import { openGate } from './gate-process.ts'

const shop = await openShop()
const { db, house, server } = shop
const codes = await codesOf(db)

/** What the gate's network does: carries, is gone, or loses each answer after the server has acted. */
let network: 'up' | 'down' | 'losing answers' = 'up'

test('the example gate goes on without network, opens once however often an answer is lost, and tells it all', async () => {
  await db.rows(`update events set entry_from = now() - interval '1 hour' where id = $1`, [house.eventId])
  const tierId = await addTier(db, house.eventId, { total: 100 })
  const shown = async (count: number) => {
    const ids = await buyTickets(db, house.eventId, tierId, count)
    const rows = await db.rows<{ qr_code: string }>('select qr_code from tickets where id = any ($1)', [ids])
    return rows.map(({ qr_code: code }) => {
      const token = codes.token('ticket', house.eventId, code)
      return { code, token, qr: qrSpelling(token) }
    })
  }
  const [online, offline, typed, lost, refunded, other, azerty, qwertz] = await shown(8)
  // As it stands on paper.
  const onPaper = typed?.code.match(/.{4}/g)?.join(' ')
  await db.rows(`update tickets set status = 'cancelled' where qr_code = $1`, [refunded?.code])
  await db.rows(`update events set entry_from = now() - interval '1 hour' where id = $1`, [house.eventId])
  const gate = await gateBehind()
  const says = async (code: string | undefined, word: RegExp) =>
    assert.match(await gate.scan(code ?? ''), word)

  await says(online?.token, /^ADMITTED: Welcome!$/)
  await says(online?.qr, /^ALREADY_USED: /)
  network = 'down'
  await says(online?.token, /^ALREADY_USED, without network$/)
  await says(offline?.token, /^ADMITTED, without network$/)
  await says(offline?.token, /^ALREADY_USED, without network$/)
  await says(onPaper, /^ADMITTED, without network$/)
  await says(refunded?.token, /^CANCELLED, without network$/)
  const [late] = await shown(1)
  await says(late?.token, /^ADMITTED, without network$/)
  for (const forged of [withOtherEnd(other?.token), withOtherEnd(other?.qr), '0'.repeat(32)])
    await says(forged, /^UNKNOWN, without network$/)
  for (const misread of [
    'hello',
    other?.qr.slice(0, -1),
    other?.token.toUpperCase(),
    `${other?.qr}${other?.qr}`,
  ])
    await says(misread, /^UNREADABLE, without network$/)
  for (const [keyboard, ticket] of [['AZERTY', azerty] as const, ['QWERTZ in caps lock', qwertz] as const])
    await says(KEYBOARDS[keyboard]?.(`]Q1${ticket?.qr}`), /^ADMITTED, without network$/)
  network = 'losing answers'
  await says(lost?.token, /^ADMITTED, without network$/)
  network = 'up'
  assert.match(await gate.close(), /gate-1 is closed: 0 scans wait/)
  assert.deepEqual(
    await db.rows('select status, count(*)::int from tickets where event_id = $1 group by 1 order by 1', [
      house.eventId,
    ]),
    [
      { status: 'cancelled', count: 1 },
      { status: 'used', count: 7 },
      { status: 'valid', count: 1 },
    ],
  )
  assert.deepEqual(await db.rows('select * from double_admissions($1)', [house.eventId]), [])
  await assertLawful(db)
})

/** Signed no more, and of the same shape. */
function withOtherEnd(token = ''): string {
  return `${token.slice(0, -4)}${token.at(-4) === 'A' ? 'B' : 'A'}${token.slice(-3)}`
}

/** The example behind the network of this test. */
async function gateBehind() {
  const proxy = createServer(async (request, response) => {
    if (network === 'down') return request.socket.destroy()
    const body = await text(request)
    const { method = 'GET', headers } = request
    const answer = await fetch(`${server.url}${request.url}`, {
      method,
      headers: { authorization: headers.authorization ?? '', 'content-type': 'application/json' },
      ...(method === 'POST' ? { body } : {}),
    })
    const answered = await answer.text()
    if (network === 'losing answers') return request.socket.destroy()
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answered)
  })
  const port = await new Promise<number>((resolve) => {
    proxy.listen(0, '127.0.0.1', () => resolve((proxy.address() as { port: number }).port))
  })
  after(() => proxy.close())
  const staff = await shop.tokenOf(house.staffId)
  return openGate({
    SUPABASE_URL: `http://127.0.0.1:${port}`,
    GATE_TOKEN: staff['authorization'].replace('Bearer ', ''),
    GATE_BUSINESS: house.businessId,
    GATE_EVENT: house.eventSlug,
    GATE_DEVICE: 'gate-1',
  })
}
