import assert from 'node:assert/strict'
import { stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { after, describe, it } from 'node:test'
import { eventually } from '../../src/embedded/processes.ts'
import { openShop } from '../api/shop.ts'
import { addTier, buyTickets } from '../support/box-office.ts'
import { codesOf } from '../support/codes.ts'
import { openGate } from './gate-process.ts'

const shop = await openShop()
const { db, house, server } = shop
const codes = await codesOf(db)
await db.rows(`update events set entry_from = now() - interval '1 hour' where id = $1`, [house.eventId])
const tierId = await addTier(db, house.eventId, { total: 10 })
const ids = await buyTickets(db, house.eventId, tierId, 2)
const sold = await db.rows<{ qr_code: string }>('select qr_code from tickets where id = any ($1)', [ids])
const [first = '', second = ''] = sold.map(({ qr_code }) => codes.token('ticket', house.eventId, qr_code))
const WAIT_MS_MAX = 30_000

describe('the example gate', () => {
  it('takes no token from a guest, and none that the server does not take', async () => {
    const network = await openNetwork()
    network.letGo()
    const gate = await openGate(await envOf(network.url, 'guests'))
    const guest = await shop.tokenOf('00000000-0000-4000-8000-00000000000a')
    assert.match(await gate.scan('eyJx.y.z'), /^UNREADABLE: /)
    assert.match(await gate.scan(bare(guest)), /^UNREADABLE: /)
    for (const token of ['eyJx.y.z', bare(guest)]) gate.type(`token ${token}`)
    await gate.said(/(No new token: the server does not take it\.\n[\s\S]*){2}/)
    assert.match(await gate.scan(first), /^ADMITTED: /)
    await gate.close()
  })

  it('keeps what the server said while a list that was read before was on its way', async () => {
    const network = await openNetwork()
    const gate = await openGate(await envOf(network.url, 'late-list'))
    assert.ok(await eventually(WAIT_MS_MAX, async () => network.isHolding()))
    assert.match(await gate.scan(second), /^ADMITTED: /)
    const file = `${gate.cwd}/late-list ${house.eventSlug}.json`
    const { mtimeMs } = await stat(file)
    network.letGo()
    assert.ok(await eventually(WAIT_MS_MAX, async () => (await stat(file)).mtimeMs > mtimeMs))
    network.end()
    assert.equal(await gate.scan(second), 'ALREADY_USED, without network')
    await gate.close()
  })
})

function bare({ authorization }: Readonly<Record<'authorization', string>>): string {
  return authorization.replace('Bearer ', '')
}

async function envOf(url: string, device: string) {
  const token = bare(await shop.tokenOf(house.staffId))
  const place = { GATE_BUSINESS: house.businessId, GATE_EVENT: house.eventSlug, GATE_DEVICE: device }
  return { SUPABASE_URL: url, GATE_TOKEN: token, ...place }
}

/** A network that holds back the second list, a whole one, until it is let go. */
async function openNetwork() {
  let lists = 0
  let holding = false
  let ended = false
  const { promise: free, resolve: letGo } = Promise.withResolvers<void>()
  const proxy = createServer(async (request, response) => {
    if (ended) return request.socket.destroy()
    const body = await text(request)
    const { method = 'GET', headers, url = '' } = request
    if (url.includes('gate-list')) lists += 1
    const isHeld = url.includes('gate-list') && lists === 2
    const answer = await fetch(`${server.url}${isHeld ? url.replace(/&since=[^&]*/, '') : url}`, {
      method,
      headers: { authorization: headers.authorization ?? '', 'content-type': 'application/json' },
      ...(method === 'POST' ? { body } : {}),
    })
    const answered = await answer.text()
    holding ||= isHeld
    if (isHeld) await free
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answered)
  })
  const port = await new Promise<number>((resolve) => {
    proxy.listen(0, '127.0.0.1', () => resolve((proxy.address() as { port: number }).port))
  })
  after(() => {
    letGo()
    proxy.closeAllConnections()
    proxy.close()
  })
  const end = () => {
    ended = true
  }
  return { url: `http://127.0.0.1:${port}`, isHolding: () => holding, letGo, end }
}
