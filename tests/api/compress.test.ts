import assert from 'node:assert/strict'
import { get } from 'node:http'
import { after, describe, it } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { json } from '../../src/api/http.ts'
import { addTier, openBoxOffice } from '../support/box-office.ts'
import { testDatabase } from '../support/database.ts'
import { UNTOLD } from '../support/told.ts'
import { serve } from './scratch.ts'

const db = await testDatabase()
const house = await openBoxOffice(db)
await addTier(db, house.eventId)
const LONG = 'ticket '.repeat(1000)
const functions = new Map([
  ['long', { ...UNTOLD, methods: ['GET', 'HEAD'], handle: async () => json(200, LONG) }],
  ['short', { ...UNTOLD, methods: ['GET'], handle: async () => json(200, 'ticket') }],
])
const mounts = new Map([['stand-in', async () => new Response(LONG)]])
const server = await serve(db.url, { app: { functions, mounts } })
after(() => server[Symbol.asyncDispose]())

interface Got {
  readonly status: number | undefined
  readonly encoding: string | undefined
  readonly vary: string | undefined
  readonly bytes: Buffer
}

/** As it comes over the wire; fetch would unpack it. */
const fetched = (path: string, headers: Readonly<Record<string, string>>): Promise<Got> =>
  new Promise((resolve, reject) => {
    get(server.url + path, { headers }, async (response) => {
      const chunks: Buffer[] = []
      for await (const chunk of response) chunks.push(chunk)
      const { 'content-encoding': encoding, vary } = response.headers
      resolve({ status: response.statusCode, encoding, vary, bytes: Buffer.concat(chunks) })
    }).on('error', reject)
  })

describe('an answer', () => {
  const cases: readonly [string, string, Readonly<Record<string, string>>, boolean][] = [
    ['long, for a client that takes gzip', '/functions/v1/long', { 'accept-encoding': 'br, gzip' }, true],
    [
      'long, for one that takes it if it must',
      '/functions/v1/long',
      { 'accept-encoding': 'gzip;q=0.1' },
      true,
    ],
    ['long, for one that refuses it', '/functions/v1/long', { 'accept-encoding': 'gzip;q=0, br' }, false],
    ['long, for one that says nothing', '/functions/v1/long', {}, false],
    ['long, with a cookie', '/functions/v1/long', { 'accept-encoding': 'gzip', cookie: 'a=b' }, false],
    ['short', '/functions/v1/short', { 'accept-encoding': 'gzip' }, false],
    ['of another server', '/stand-in/x', { 'accept-encoding': 'gzip' }, false],
    ['that is a page', `/events/${house.eventSlug}`, { 'accept-encoding': 'gzip, deflate' }, true],
  ]
  for (const [what, path, headers, isPacked] of cases)
    it(`${what}: ${isPacked ? 'compressed' : 'as it is'}`, async () => {
      const plain = await fetched(path, {})
      const got = await fetched(path, headers)
      assert.deepEqual([got.status, got.encoding], [200, isPacked ? 'gzip' : undefined])
      const text = (isPacked ? gunzipSync(got.bytes) : got.bytes).toString()
      if (path.startsWith('/events/')) assert.match(text, /<h1.*Gala/)
      else assert.equal(text, plain.bytes.toString())
      assert.equal(got.vary !== undefined, /long|events/.test(path))
      if (isPacked) assert.ok(got.bytes.length < plain.bytes.length / 2)
    })
})
