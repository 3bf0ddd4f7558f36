import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { openAuthenticator } from '../../src/api/authenticator.ts'
import { deriveKeys, mintToken } from '../../src/api/keys.ts'
import { openSigningKeys } from '../../src/api/signing-keys.ts'
import { tokenVerifier } from '../../src/api/tokens.ts'
import { ask, JWT_SECRET, makeScratch, type Scratch, startServer, type TestServer } from './scratch.ts'

const USER = '00000000-0000-0000-0000-00000000aaaa'

describe('keys and tokens', () => {
  let scratch: Scratch
  let server: TestServer
  before(async () => {
    scratch = await makeScratch()
    server = await startServer(scratch)
  })
  after(async () => {
    await server[Symbol.asyncDispose]()
    await scratch[Symbol.asyncDispose]()
  })
  const surroundings = (headers: Readonly<Record<string, string>>, query = '') =>
    ask(server, `/rest/v1/rpc/surroundings${query}`, { body: {}, headers })
  const withToken = (token: string) => surroundings({ authorization: `Bearer ${token}` })
  const nowSeconds = () => Math.floor(Date.now() / 1000)

  it('each of the four keys gives its role', async () => {
    const { anon, publishable, serviceRole, secret } = server.authenticator.keys
    for (const [key, role] of [
      [anon, 'anon'],
      [publishable, 'anon'],
      [serviceRole, 'service_role'],
      [secret, 'service_role'],
    ] as const) {
      for (const headers of [{ apikey: key }, { apikey: key, authorization: `Bearer ${key}` }]) {
        assert.equal((await surroundings(headers)).json().role, role)
      }
      assert.equal((await surroundings({ apikey: key }, `?apikey=${key}`)).json().role, role)
    }
  })

  it('a secret always stands for the same keys, another secret for others', async () => {
    assert.deepEqual(await deriveKeys(JWT_SECRET), await deriveKeys(JWT_SECRET))
    const other = Object.values(await deriveKeys(`${JWT_SECRET}!`))
    for (const key of Object.values(server.authenticator.keys)) assert.ok(!other.includes(key))
    await assert.rejects(deriveKeys('short'), /needs 32 characters/)
  })

  it('the key may come as a parameter, and none or a wrong one is refused as the gateway does', async () => {
    const url = `${server.url}/rest/v1/rpc/nothing`
    const none = await fetch(url)
    assert.equal(none.status, 401)
    assert.deepEqual(await none.json(), {
      message: 'No API key found in request',
      hint: 'No `apikey` request header or url param was found.',
    })
    assert.equal((await fetch(`${url}?apikey=${server.authenticator.keys.publishable}`)).status, 200)
    const user = await mintToken(JWT_SECRET, { sub: USER })
    for (const wrong of ['x', 'sb_secret_x', `${server.authenticator.keys.anon}x`, user]) {
      const got = await surroundings({ apikey: wrong })
      assert.deepEqual([got.status, got.json().message], [401, 'Invalid API key'])
    }
  })

  it('a token gives its role and claims', async () => {
    const got = await withToken(await mintToken(JWT_SECRET, { sub: USER, email: "o'neil@example.com" }))
    const { role, claims } = got.json() as {
      role: string
      claims: Record<'sub' | 'email' | 'role' | 'aud', unknown>
    }
    assert.equal(role, 'authenticated')
    assert.deepEqual(
      [claims.sub, claims.email, claims.role, claims.aud],
      [USER, "o'neil@example.com", 'authenticated', 'authenticated'],
    )
  })

  it('a token without a role is anon, and what is no bearer token is anon too', async () => {
    assert.equal((await withToken(forge({ sub: USER }))).json().role, 'anon')
    const { serviceRole } = server.authenticator.keys
    assert.equal(
      (await surroundings({ apikey: serviceRole, authorization: 'Basic eDp5' })).json().role,
      'anon',
    )
  })

  it('nobody becomes a role that callers do not have, the login or none at all', async () => {
    for (const role of ['postgres', 'none', 'pg_read_all_data', '', "x'; reset role; --"]) {
      const got = await withToken(forge({ role }))
      assert.deepEqual([got.status, got.json().code], [403, '42501'])
    }
  })

  const now = nowSeconds()
  const refused: readonly (readonly [title: string, token: string, code: string, message: string])[] = [
    ['an empty token', '', 'PGRST301', 'Empty JWT is sent in Authorization header'],
    ['a token of two parts', 'a.b', 'PGRST301', 'Expected 3 parts in JWT; got 2'],
    ['a token that is noise', 'a.b.c', 'PGRST301', 'JWT cryptographic operation failed'],
    [
      'another signature',
      forge({ role: 'service_role' }, 'another secret of at least 32 letters'),
      'PGRST301',
      'No suitable key or wrong key type',
    ],
    [
      'no signature',
      forge({ role: 'service_role' }, JWT_SECRET, 'none'),
      'PGRST301',
      'Wrong or unsupported encoding algorithm',
    ],
    [
      'another algorithm',
      forge({ role: 'service_role' }, JWT_SECRET, 'HS512'),
      'PGRST301',
      'Wrong or unsupported encoding algorithm',
    ],
    ['a token without an end', forge({ exp: undefined }), 'PGRST303', "The JWT has no 'exp' claim"],
    ['a token whose end is null', forge({ exp: null }), 'PGRST303', "The JWT has no 'exp' claim"],
    ['a token for somebody else', forge({ aud: 'another-app' }), 'PGRST303', 'JWT not in audience'],
    ['a token for some others', forge({ aud: ['another-app', 'b'] }), 'PGRST303', 'JWT not in audience'],
    ['an old token', forge({ exp: now - 3600 }), 'PGRST303', 'JWT expired'],
    ['a token for later', forge({ nbf: now + 3600 }), 'PGRST303', 'JWT not yet valid'],
    ['a token from later', forge({ iat: now + 3600 }), 'PGRST303', 'JWT issued at future'],
    ['an end that is no number', forge({ exp: 'soon' }), 'PGRST303', "The JWT 'exp' claim must be a number"],
    ...['me', '', 7, `${USER}0`].map(
      (sub) =>
        [
          `a user ${JSON.stringify(sub)}`,
          forge({ role: 'authenticated', sub }),
          'PGRST303',
          "The JWT 'sub' claim must be a UUID",
        ] as const,
    ),
    ['claims that are no object', forge([1]), 'PGRST303', 'Parsing claims failed'],
  ]
  for (const [title, token, code, message] of refused) {
    it(`${title} is refused by ${code}, also a second time`, async () => {
      for (const got of [await withToken(token), await withToken(token)]) {
        assert.equal(got.status, 401)
        assert.deepEqual([got.json().code, got.json().message], [code, message])
        assert.match(got.headers.get('www-authenticate') ?? '', /^Bearer error="invalid_token"/)
      }
    })
  }

  it('clocks may differ by 30 seconds', async () => {
    for (const claims of [{ exp: now - 20 }, { nbf: now + 20 }, { iat: now + 20 }]) {
      assert.equal((await withToken(forge({ role: 'anon', ...claims }))).status, 200)
    }
  })

  it('a remembered token still ends when it says', async () => {
    let nowMs = 1_000_000_000_000
    const verify = tokenVerifier(await openSigningKeys(JWT_SECRET), () => nowMs)
    const token = await mintToken(JWT_SECRET, { sub: USER, expiresInSeconds: 60 }, nowMs)
    assert.equal((await verify(token)).refused, false)
    nowMs += 89_000
    assert.equal((await verify(token)).refused, false)
    nowMs += 2_000
    const late = await verify(token)
    assert.ok(late.refused && late.code === 'PGRST303' && late.details === 'Invalid by 31 seconds')
  })

  it('a key that the same secret signed at another time is a key too', async () => {
    const authenticator = await openAuthenticator(JWT_SECRET)
    const request = (apikey: string) => new Request('http://x/rest/v1/rpc/x', { headers: { apikey } })
    const identity = await authenticator.identify(
      request(forge({ role: 'service_role', iat: now, exp: now + 60 })),
    )
    assert.ok(identity.kind === 'caller' && identity.caller.role === 'service_role')
    assert.equal(
      (await authenticator.identify(request(forge({ role: 'service_role', exp: now - 60 })))).kind,
      'wrong-key',
    )
  })
})

it('an operator may take tokens without an end, and those for somebody else', async () => {
  const loose = await openAuthenticator(JWT_SECRET, { audience: null, mustEnd: false })
  const own = await openAuthenticator(JWT_SECRET, { audience: 'tickets', mustEnd: true })
  const asked = (token: string) =>
    new Request('http://localhost/', {
      headers: { apikey: loose.keys.anon, authorization: `Bearer ${token}` },
    })
  // Absent, and null.
  for (const exp of [undefined, null]) {
    const endless = forge({ sub: USER, role: 'authenticated', exp, aud: 'another-app' })
    assert.equal((await loose.identify(asked(endless))).kind, 'caller')
    assert.equal((await own.identify(asked(endless))).kind, 'wrong-token')
  }
  assert.equal(
    (await own.identify(asked(forge({ sub: USER, role: 'authenticated', aud: 'tickets' })))).kind,
    'caller',
  )
  // The demo keys that Supabase prints have an end and no audience.
  assert.equal(
    (await own.identify(asked(forge({ iss: 'supabase-demo', role: 'anon', exp: 1_983_812_996 })))).kind,
    'caller',
  )
})

/** A token signed by hand, so that what is checked does not check itself; with an end in an hour where the claims say none. */
function forge(claims: unknown, secret: string = JWT_SECRET, alg = 'HS256'): string {
  const ending = { exp: Math.floor(Date.now() / 1000) + 3600 }
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const signed = `${encode({ alg, typ: 'JWT' })}.${encode(Array.isArray(claims) ? claims : { ...ending, ...(claims as object) })}`
  if (alg === 'none') return `${signed}.`
  const hash = alg === 'HS512' ? 'sha512' : 'sha256'
  return `${signed}.${createHmac(hash, secret).update(signed).digest('base64url')}`
}
