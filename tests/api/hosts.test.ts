import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import { addTier } from '../support/box-office.ts'
import { openShop, SPELLINGS } from './shop.ts'

const shop = await openShop()
const behind = await openShop({}, { publicUrl: 'https://tickets.example' })
const OWN = 'http://127.0.0.1:1'
const local = await openShop({}, { ownUrl: () => OWN })

interface Said {
  readonly status: number
  /** The head and the body, as they came. */
  readonly text: string
}

/** One request as it is written, with hosts that no client library would send. */
function say(url: string, head: string, body = ''): Promise<Said> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = connect(Number(port), hostname, () =>
      socket.write(`${head}\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`),
    )
    socket.setEncoding('utf8').on('data', (chunk) => {
      text += chunk
    })
    socket.once('close', () => resolve({ status: Number(text.split(' ')[1]), text })).once('error', reject)
  })
}

const NO_HOSTS = [
  'evil.example;script-src',
  "evil.example;script-src'unsafe-inline'",
  'evil.example,other.example',
  'evil.example"',
  "evil.example'",
  'evil.example(',
  'evil.example*',
  'evil.example=',
  'evil.example&x',
  'evil.example$',
  'evil.example!',
  'evil.example~',
  'user@evil.example',
  'user:word@evil.example',
  'evil.example/path',
  'evil.example?x',
  'evil.example#x',
  'evil.example\\x',
  'evil.example%3bx',
  'evil.example:80x',
  'evil.example:123456',
  '<script>',
  '{x}',
  'évil.example',
  '[::1];x',
  '[::1',
]

const PATHS = [
  '/',
  `/events/${shop.house.eventSlug}`,
  '/nothing',
  '/functions/v1/health-check',
  '/rest/v1/x',
  '/stand-in/x',
]

describe('a Host that is none', () => {
  for (const host of NO_HOSTS) {
    it(`${host} is refused everywhere, and stands in no answer`, async () => {
      for (const path of PATHS) {
        for (const target of [path, `http://${host}${path}`]) {
          const { status, text } = await say(
            shop.server.url,
            `GET ${target} HTTP/1.1\r\nHost: ${target === path ? host : 'localhost'}\r\nAccept: text/html`,
          )
          // A target that ends where a path begins is another, good one.
          if (target !== path && /[/?#\\]/.test(host)) continue
          assert.equal(status, 400, `${target} ${host}`)
          assert.ok(!text.includes('evil'), text)
        }
      }
    })
  }
})

const HOSTS = ['evil.example', 'evil.example:8080', 'a_b.example', '[2001:db8::1]:80', '203.0.113.9']
const FORWARDED = [
  'X-Forwarded-Host: evil.example',
  'X-Forwarded-Proto: javascript',
  'Forwarded: host=evil.example;proto=https',
  'X-Forwarded-Prefix: //evil.example',
  'X-Original-URL: //evil.example',
  'X-Host: evil.example',
].join('\r\n')

describe('a Host that may be anybody', () => {
  for (const host of HOSTS) {
    it(`${host} gets into no header, no page and no link`, async () => {
      for (const { server, house, db } of [behind, local]) {
        const name = host.replace(/:\d+$/, '')
        for (const path of ['/', `/events/${house.eventSlug}`, '/nothing']) {
          const { text } = await say(
            server.url,
            `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nAccept: text/html\r\n${FORWARDED}`,
          )
          assert.ok(!text.includes(name) && !text.includes('evil'), text)
          assert.match(
            text,
            /content-security-policy: .*form-action 'self'(?: https:\/\/tickets.example)? https:;/i,
          )
        }
        for (const priceCents of [0, 1000]) {
          const tier = await addTier(db, house.eventId, { priceCents })
          for (const [fn, spell] of Object.entries(SPELLINGS)) {
            const body = JSON.stringify({
              ...spell(house.eventId, tier, 1),
              successUrl: undefined,
              cancelUrl: undefined,
            })
            const head = `POST /functions/v1/${fn} HTTP/1.1\r\nHost: ${host}\r\n${FORWARDED}\r\nContent-Type: application/json`
            const { status, text } = await say(server.url, head, body)
            assert.equal(status, 200, text)
            assert.ok(!text.includes(name) && !text.includes('evil'), text)
          }
        }
        const sessions = await db.rows('select parameters::text as sent from ticketing.checkout_sessions')
        assert.doesNotMatch(
          JSON.stringify(sessions),
          new RegExp(`evil|${name.replaceAll(/[[\].:]/g, '\\$&')}`),
        )
      }
    })
  }

  it('is kept where it names this machine, so that cookies stay where they are', async () => {
    const tier = await addTier(local.db, local.house.eventId)
    for (const host of ['localhost:54321', '127.0.0.1:8080', '[::1]:80', 'shop.localhost']) {
      const body = JSON.stringify(SPELLINGS['guest-checkout']?.(local.house.eventId, tier, 1))
      const head = `POST /functions/v1/guest-checkout HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json`
      const { text } = await say(local.server.url, head, body)
      assert.ok(text.includes(`http://${host.replace(/:80$/, '')}/orders/`), text)
    }
  })
})

it('the PROXY protocol is not spoken: what begins with it is no request', async () => {
  const { status } = await say(
    shop.server.url,
    'PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\nGET / HTTP/1.1\r\nHost: localhost',
  )
  assert.equal(status, 400)
})
