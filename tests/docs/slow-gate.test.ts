import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { mintToken } from '../../src/api/keys.ts'
import { eventually } from '../../src/embedded/processes.ts'
import { sellTickets } from '../../src/proof/fixtures/tickets.ts'
import { JWT_SECRET } from '../api/scratch.ts'
import { openShop } from '../api/shop.ts'
import { addTier } from '../support/box-office.ts'
import { assertLawful } from '../support/callers.ts'
import { codesOf } from '../support/codes.ts'
import { openProxy } from '../support/proxy.ts'
import { openGate } from './gate-process.ts'

const shop = await openShop()
const { db, house, server } = shop
const codes = await codesOf(db)
await db.rows(`update events set entry_from = now() - interval '1 hour' where id = $1`, [house.eventId])
const tierId = await addTier(db, house.eventId, { total: 30_000 })
const line = await openProxy(server.url)
const tokenFor = async (hours: number) =>
  mintToken(JWT_SECRET, { sub: house.staffId, expiresInSeconds: 3600 }, Date.now() + (hours - 1) * 3_600_000)
const env = async (device: string, token?: string) => ({
  SUPABASE_URL: line.through(server.url).replace(/\/$/, ''),
  GATE_TOKEN: token ?? (await tokenFor(1)),
  GATE_BUSINESS: house.businessId,
  GATE_EVENT: house.eventSlug,
  GATE_DEVICE: device,
})
const shown = async (count: number) =>
  (await sellTickets(db.client, house.eventId, tierId, count)).map(({ qr_code }) =>
    codes.token('ticket', house.eventId, qr_code),
  )
const keptOf = (device: string) =>
  db.value<number>('select count(*)::int from scan_logs where device_id = $1 and offline', [device])

const TOLD_MS_MAX = 120_000
/** 256 kbit/s. */
const SLOW_BYTES = 32_000

describe('the example gate on a line that is', { timeout: 240_000 }, () => {
  it('slow: a list of 12,000 tickets arrives, and 500 entries are told while guests go on coming in', async () => {
    await shown(12_000)
    const tokens = await shown(501)
    line.throttle(SLOW_BYTES)
    const gate = await openGate(await env('slow'))
    await gate.said(/is open/)
    await line.die()
    for (const token of tokens.slice(0, 500))
      assert.equal(await gate.scan(token), 'ADMITTED, without network')
    await line.heal()
    line.throttle(SLOW_BYTES)
    await told('slow', 1)
    assert.match(await gate.scan(String(tokens[500])), /^ADMITTED/)
    const startedMs = Date.now()
    await told('slow', 500)
    assert.match(await gate.close(), /is closed: 0 scans wait/)
    assert.equal(await keptOf('slow'), 500, `${Date.now() - startedMs} ms`)
    assert.deepEqual(await db.rows('select * from double_admissions($1)', [house.eventId]), [])
    await assertLawful(db)
  })

  it('gone before the list came: it says so, lets nobody in, and opens when it comes', async () => {
    const [token] = await shown(1)
    line.blackHole(true)
    const gate = await openGate(await env('hole'))
    assert.match(gate.output(), /hole has no list of gala-\w+: without network it lets nobody in\.\n$/)
    assert.equal(await gate.scan(String(token)), 'NO_LIST, without network')
    line.cut()
    await line.heal()
    await gate.said(/hole has its list now: it is open\./)
    assert.match(await gate.scan(String(token)), /^ADMITTED: /)
    await gate.close()
  })

  it('fine while its token has ended: it goes on by its list, takes a new token, and tells what it did', async () => {
    const [first, second] = await shown(2)
    await line.heal()
    const gate = await openGate(await env('late', await tokenFor(1)))
    await gate.kill()
    const again = await openGate(await env('late', await tokenFor(-1)), gate.cwd)
    assert.equal(await again.scan(String(first)), 'ADMITTED, without the server')
    assert.equal(await again.scan(String(first)), 'ALREADY_USED, without the server')
    await again.said(/Type `token` and a new one/)
    again.type(`token ${await tokenFor(1)}`)
    await again.said(/A new token\./)
    assert.match(await again.scan(String(second)), /^ADMITTED: /)
    assert.match(await again.close(), /is closed: 0 scans wait/)
    assert.equal(await keptOf('late'), 1)
  })

  it('gone: what is no code stays unknown after a ticket of another event, and that one is told apart', async () => {
    const [other] = await db.rows<{ id: string }>(
      `insert into events (business_id, slug, title, start_at, end_at, status)
       select business_id, 'tomorrow', 'Tomorrow', start_at, end_at, status from events where id = $1 returning id`,
      [house.eventId],
    )
    const eventId = String(other?.id)
    const [foreign] = await sellTickets(db.client, eventId, await addTier(db, eventId), 1)
    const token = codes.token('ticket', eventId, String(foreign?.qr_code))
    await line.heal()
    const gate = await openGate(await env('strict'))
    assert.match(await gate.scan(token), /^WRONG_EVENT: .*Tomorrow$/)
    assert.match(await gate.scan(String(foreign?.qr_code)), /^WRONG_EVENT: /)
    await line.die()
    for (const garbage of ['hello', 'A1', 'constructor', '__proto__', 'x'.repeat(117), '{}'])
      assert.equal(await gate.scan(garbage), 'UNREADABLE, without network')
    assert.equal(await gate.scan('0'.repeat(32)), 'UNKNOWN, without network')
    assert.equal(await gate.scan(token), 'WRONG_EVENT, without network')
    assert.match(await gate.close(), /is closed: 0 scans wait/)
  })
})

/** Waits until so many of a device's entries are in the log. */
async function told(device: string, count: number): Promise<void> {
  const all = await eventually(TOLD_MS_MAX, async () => (await keptOf(device)) >= count)
  assert.ok(all, `${await keptOf(device)} of ${count} entries were told`)
}
