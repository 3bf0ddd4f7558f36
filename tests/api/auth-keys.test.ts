import assert from 'node:assert/strict'
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, describe, it } from 'node:test'
import { exportJWK, exportSPKI, type JWTPayload, SignJWT } from 'jose'
import { openIssuer } from '../../src/api/issuer.ts'
import { mintToken } from '../../src/api/keys.ts'
import { openSigningKeys } from '../../src/api/signing-keys.ts'
import { openAuthDesk } from './auth-desk.ts'
import { JWT_SECRET } from './scratch.ts'

const FORMER = 'the secret before this one, of 32 letters'
const ISSUER = 'https://issuer.example'
const pairs = ['RS256', 'ES256'].map((alg) => ({
  alg,
  kid: `kid-${alg}`,
  ...(alg === 'RS256'
    ? generateKeyPairSync('rsa', { modulusLength: 2048 })
    : generateKeyPairSync('ec', { namedCurve: 'P-256' })),
}))
let asked = 0
let isAway = false
const jwks = createServer(async (_request, response) => {
  asked += 1
  if (isAway) return void response.writeHead(503).end()
  const keys = await Promise.all(
    pairs.map(async ({ publicKey, kid, alg }) => ({ ...(await exportJWK(publicKey)), kid, alg, use: 'sig' })),
  )
  response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys }))
})
jwks.listen(0, '127.0.0.1')
await once(jwks, 'listening')
after(() => jwks.close())
const { port } = jwks.address() as AddressInfo
const desk = await openAuthDesk(
  {},
  { former: [FORMER], issuer: openIssuer(`http://127.0.0.1:${port}/jwks`, ISSUER) },
)
const { server } = desk

const SUB = randomUUID()
const hourFromNow = () => Math.floor(Date.now() / 1000) + 3600
async function answerTo(token: string): Promise<readonly [number, unknown]> {
  const response = await fetch(`${server.url}/rest/v1/business_staff?select=role`, {
    headers: { apikey: server.authenticator.keys.anon, authorization: `Bearer ${token}` },
  })
  const body = (await response.json()) as { code?: string }
  return [response.status, body.code]
}
const signed = (n: number, claims: JWTPayload, header: object = {}) => {
  const pair = pairs[n]
  assert.ok(pair !== undefined)
  return new SignJWT({ sub: SUB, role: 'authenticated', iss: ISSUER, exp: hourFromNow(), ...claims })
    .setProtectedHeader({ alg: pair.alg, kid: pair.kid, ...header })
    .sign(pair.privateKey)
}
const HELD = [200, undefined]
const REFUSED = [401, 'PGRST301']

describe('keys', () => {
  it('an issuer signs users in by RS256 and ES256', async () => {
    assert.deepEqual(await answerTo(await signed(0, {})), HELD)
    assert.deepEqual(await answerTo(await signed(1, {})), HELD)
    assert.deepEqual(await answerTo(await signed(1, { iss: 'https://other.example' })), REFUSED)
    assert.deepEqual(await answerTo(await signed(1, { exp: 1 })), [401, 'PGRST303'])
    assert.deepEqual(await answerTo(await signed(1, { role: 'service_role' })), [401, 'PGRST303'])
  })

  it('unknown key ids do not make us ask again and again', async () => {
    const before = asked
    for (let i = 0; i < 5; i++)
      assert.deepEqual(await answerTo(await signed(1, { i }, { kid: `made-up-${i}` })), REFUSED)
    assert.ok(asked - before <= 1)
  })

  it('an issuer that is away changes nothing for keys that are known', async () => {
    isAway = true
    assert.deepEqual(await answerTo(await signed(0, { again: 1 })), HELD)
    isAway = false
  })

  it('a public key is no secret: HS256 with it is refused, and so is none', async () => {
    const [pair] = pairs
    assert.ok(pair !== undefined)
    const pem = new TextEncoder().encode(await exportSPKI(pair.publicKey))
    const claims = { sub: SUB, role: 'service_role', iss: ISSUER, exp: hourFromNow() }
    const forged = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: pair.kid }).sign(pem)
    assert.deepEqual(await answerTo(forged), REFUSED)
    const own = await openSigningKeys(JWT_SECRET)
    const point = new TextEncoder().encode(JSON.stringify(own.jwks.keys[0]))
    assert.deepEqual(
      await answerTo(await new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(point)),
      REFUSED,
    )
    const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.`
    assert.deepEqual(await answerTo(none), REFUSED)
  })

  it('a secret is changed without signing anybody out', async () => {
    assert.deepEqual(await answerTo(await mintToken(FORMER, { sub: SUB })), HELD)
    const former = await openSigningKeys(FORMER)
    assert.deepEqual(
      await answerTo(await former.sign({ sub: SUB, role: 'authenticated', exp: hourFromNow() })),
      HELD,
    )
    assert.equal(server.authenticator.signing.jwks.keys.length, 2)
    assert.deepEqual(
      await answerTo(await mintToken('a secret that nobody ever had, of 32', { sub: SUB })),
      REFUSED,
    )
  })

  it('the same secret is the same pair on every server, and another alg signs as told', async () => {
    const [one, two] = await Promise.all([
      openSigningKeys(JWT_SECRET),
      openSigningKeys(JWT_SECRET, [], 'HS256'),
    ])
    assert.deepEqual(one.jwks, two.jwks)
    assert.equal(
      JSON.parse(Buffer.from((await two.sign({})).split('.')[0] ?? '', 'base64url').toString()).alg,
      'HS256',
    )
  })
})
