import assert from 'node:assert/strict'
import { createHash, randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { openAuthDesk } from './auth-desk.ts'

const desk = await openAuthDesk()
const { db, server } = desk
const PASSWORD = 'correct horse'
const address = () => `${randomUUID().slice(0, 8)}@example.org`

async function signedUp(email = address()) {
  const client = desk.client()
  const { data, error } = await client.auth.signUp({
    email,
    password: PASSWORD,
    options: { data: { name: 'Ann' } },
  })
  assert.equal(error, null)
  assert.ok(data.session !== null && data.user !== null)
  return { client, email, session: data.session, user: data.user }
}

describe('supabase-js', () => {
  it('signs up, and is the user in tables and claims', async () => {
    const { client, user, email, session } = await signedUp()
    assert.deepEqual(
      [user.email, user.role, user.user_metadata['name'], user.app_metadata.provider],
      [email, 'authenticated', 'Ann', 'email'],
    )
    assert.equal((await client.auth.getUser()).data.user?.id, user.id)
    const { data } = await client.auth.getClaims()
    assert.deepEqual(
      [data?.claims.sub, data?.header.alg, data?.claims.aal, data?.claims.is_anonymous],
      [user.id, 'ES256', 'aal1', false],
    )
    assert.equal(session.expires_in, 3600)
    const made = await client.from('businesses').insert({ name: 'Mine' }).select('id').single()
    assert.equal(made.error, null)
    const staff = await client.from('business_staff').select('user_id,role')
    assert.deepEqual(staff.data, [{ user_id: user.id, role: 'owner' }])
  })

  it('signs in with the password, whatever the case of the address', async () => {
    const { email, user } = await signedUp()
    const client = desk.client()
    const { data, error } = await client.auth.signInWithPassword({
      email: email.toUpperCase(),
      password: PASSWORD,
    })
    assert.deepEqual([error, data.user?.id], [null, user.id])
    for (const wrong of [
      { email, password: 'wrong' },
      { email: address(), password: PASSWORD },
    ]) {
      const refused = await desk.client().auth.signInWithPassword(wrong)
      assert.deepEqual(
        [refused.error?.code, refused.error?.status, refused.error?.message],
        ['invalid_credentials', 400, 'Invalid login credentials'],
      )
    }
  })

  it('refreshes, sets a session, and signs out', async () => {
    const { client, session } = await signedUp()
    const refreshed = await client.auth.refreshSession()
    assert.notEqual(refreshed.data.session?.refresh_token, session.refresh_token)
    const other = desk.client()
    const tokens = refreshed.data.session
    assert.ok(tokens !== null)
    assert.equal((await other.auth.setSession(tokens)).error, null)
    assert.equal((await other.auth.signOut({ scope: 'local' })).error, null)
    assert.equal((await desk.client().auth.refreshSession(tokens)).error?.code, 'refresh_token_not_found')
    assert.equal((await client.auth.getUser(tokens.access_token)).error?.name, 'AuthSessionMissingError')
  })

  it('signs out of others, and of all', async () => {
    const { client, email, session } = await signedUp()
    const second = desk.client()
    await second.auth.signInWithPassword({ email, password: PASSWORD })
    assert.equal((await client.auth.signOut({ scope: 'others' })).error, null)
    assert.equal((await second.auth.refreshSession()).error?.code, 'refresh_token_not_found')
    assert.equal((await client.auth.signOut()).error, null)
    assert.equal(
      (await desk.client().auth.getUser(session.access_token)).error?.name,
      'AuthSessionMissingError',
    )
  })

  it('changes data and password, which ends other sessions', async () => {
    const { client, email } = await signedUp()
    const second = desk.client()
    await second.auth.signInWithPassword({ email, password: PASSWORD })
    assert.equal(
      (await client.auth.updateUser({ data: { city: 'Rome' } })).data.user?.user_metadata['name'],
      'Ann',
    )
    assert.equal((await client.auth.updateUser({ password: PASSWORD })).error?.code, 'same_password')
    assert.equal((await client.auth.updateUser({ password: 'another one' })).error, null)
    assert.equal((await second.auth.refreshSession()).error?.code, 'refresh_token_not_found')
    assert.equal((await client.auth.refreshSession()).error, null)
    assert.equal(
      (await desk.client().auth.signInWithPassword({ email, password: PASSWORD })).error?.code,
      'invalid_credentials',
    )
    assert.equal(
      (await desk.client().auth.signInWithPassword({ email, password: 'another one' })).error,
      null,
    )
  })

  it('signs in with a code by mail, which makes a user unless told not to', async () => {
    const email = address()
    assert.equal(
      (await desk.client().auth.signInWithOtp({ email, options: { shouldCreateUser: false } })).error,
      null,
    )
    assert.equal(desk.codeTo(email), 'none')
    assert.equal((await desk.client().auth.signInWithOtp({ email })).error, null)
    const client = desk.client()
    const { data, error } = await client.auth.verifyOtp({ email, token: desk.codeTo(email), type: 'email' })
    assert.deepEqual([error, data.user?.email], [null, email])
    assert.ok(data.user?.email_confirmed_at)
    const again = await desk.client().auth.verifyOtp({ email, token: desk.codeTo(email), type: 'email' })
    assert.deepEqual([again.error?.code, again.error?.status], ['otp_expired', 403])
  })

  it('chooses a new password with a code', async () => {
    const { email } = await signedUp()
    assert.equal((await desk.client().auth.resetPasswordForEmail(email)).error, null)
    const client = desk.client()
    assert.equal(
      (await client.auth.verifyOtp({ email, token: desk.codeTo(email), type: 'recovery' })).error,
      null,
    )
    assert.equal((await client.auth.updateUser({ password: 'a new password' })).error, null)
    assert.equal(
      (await desk.client().auth.signInWithPassword({ email, password: 'a new password' })).error,
      null,
    )
  })

  it('administers users with the service role, and only with it', async () => {
    const admin = desk.client(server.authenticator.keys.serviceRole).auth.admin
    const email = address()
    const made = await admin.createUser({
      email,
      password: PASSWORD,
      email_confirm: true,
      user_metadata: { a: 1 },
    })
    const id = made.data.user?.id ?? ''
    assert.equal((await desk.client().auth.signInWithPassword({ email, password: PASSWORD })).error, null)
    assert.equal((await admin.createUser({ email, password: PASSWORD })).error?.code, 'email_exists')
    assert.equal((await admin.getUserById(id)).data.user?.email, email)
    assert.ok((await admin.listUsers({ page: 1, perPage: 2 })).data.users.length === 2)
    assert.deepEqual((await admin.updateUserById(id, { user_metadata: { b: 2 } })).data.user?.user_metadata, {
      a: 1,
      b: 2,
    })
    await admin.updateUserById(id, { ban_duration: '24h' })
    assert.equal(
      (await desk.client().auth.signInWithPassword({ email, password: PASSWORD })).error?.code,
      'user_banned',
    )
    assert.equal((await admin.deleteUser(id)).error, null)
    assert.equal((await admin.getUserById(id)).error?.code, 'user_not_found')
    assert.equal((await desk.client().auth.admin.listUsers()).error?.code, 'not_admin')
    const { client } = await signedUp()
    assert.equal((await client.auth.admin.listUsers()).error?.code, 'not_admin')
  })
})

describe('raw requests', () => {
  const refusals: readonly (readonly [path: string, body: unknown, status: number, code: string])[] = [
    ['signup', { email: 'a@b.example', password: 'short' }, 422, 'weak_password'],
    ['signup', { email: 'nobody', password: PASSWORD }, 400, 'validation_failed'],
    ['signup', { email: 'a@b.example' }, 400, 'validation_failed'],
    ['signup', { password: PASSWORD }, 422, 'anonymous_provider_disabled'],
    ['signup', { phone: '+123', password: PASSWORD }, 400, 'provider_disabled'],
    ['signup', { email: 'a@b.example', password: 'x'.repeat(1001) }, 400, 'validation_failed'],
    ['signup', { email: 'a@b.example', password: 'a\u0000bcdefg' }, 400, 'validation_failed'],
    ['signup', { email: 'a@b.example', password: PASSWORD, data: { a: '\u0000' } }, 400, 'validation_failed'],
    [
      'signup',
      { email: 'a@b.example', password: PASSWORD, data: { a: 'x'.repeat(20_000) } },
      400,
      'validation_failed',
    ],
    ['signup', { email: 5, password: [] }, 400, 'validation_failed'],
    ['signup', '{"email', 400, 'bad_json'],
    ['signup', '[]', 400, 'validation_failed'],
    ['signup', 'x'.repeat(70_000), 413, 'payload_too_large'],
    ['token', { email: 'a@b.example', password: PASSWORD }, 400, 'provider_disabled'],
    ['token?grant_type=pkce', {}, 400, 'provider_disabled'],
    ['token?grant_type=password', { email: 'a@b.example' }, 400, 'invalid_credentials'],
    ['token?grant_type=password', { password: 'x' }, 400, 'validation_failed'],
    ['token?grant_type=refresh_token', {}, 400, 'validation_failed'],
    ['token?grant_type=refresh_token', { refresh_token: 'x' }, 400, 'refresh_token_not_found'],
    ['otp', { phone: '+123' }, 400, 'provider_disabled'],
    ['verify', { type: 'email', email: 'a@b.example', token: '123456' }, 403, 'otp_expired'],
    ['verify', { type: 'sms', email: 'a@b.example', token: '1' }, 400, 'validation_failed'],
    ['verify', { type: 'email', token_hash: 'x' }, 400, 'validation_failed'],
    ['logout', {}, 401, 'no_authorization'],
    ['nothing', {}, 404, 'not_found'],
    ['user', {}, 405, 'method_not_allowed'],
  ]
  for (const [path, body, status, code] of refusals) {
    it(`POST ${path} ${JSON.stringify(body).slice(0, 60)}: ${status} ${code}`, async () => {
      const got = await desk.post(path, body)
      assert.deepEqual([got.status, got.code, got.body['code']], [status, code, code])
      assert.equal(typeof got.body['message'], 'string')
    })
  }

  it('older clients get the older shape', async () => {
    const got = await desk.post(
      'token?grant_type=refresh_token',
      { refresh_token: 'x' },
      { 'x-supabase-api-version': '' },
    )
    assert.deepEqual(got.body, {
      code: 400,
      error_code: 'refresh_token_not_found',
      msg: 'Invalid Refresh Token: Refresh Token Not Found',
    })
  })

  it('needs a key, but for the public keys', async () => {
    const without = await fetch(`${server.url}/auth/v1/settings`)
    assert.equal(without.status, 401)
    const jwks = (await (await fetch(`${server.url}/auth/v1/.well-known/jwks.json`)).json()) as {
      keys: object[]
    }
    assert.deepEqual(
      jwks.keys.map((key) => 'd' in key),
      [false],
    )
    const bad = await fetch(`${server.url}/auth/v1/user`, {
      headers: { apikey: server.authenticator.keys.anon, authorization: 'Bearer a.b.c' },
    })
    assert.deepEqual([bad.status, bad.headers.get('x-sb-error-code')], [403, 'bad_jwt'])
  })
})

describe('at the same time', () => {
  it('one of many sign-ups of an address makes the user', async () => {
    const email = address()
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => desk.post('signup', { email, password: PASSWORD })),
    )
    assert.deepEqual(answers.map(({ status }) => status).sort(), [
      200,
      ...Array.from({ length: 7 }, () => 422),
    ])
  })

  it('a refresh token that many send at once gives all of them the same successor', async () => {
    const { session } = await signedUp()
    const refresh = (refresh_token: unknown) => desk.post('token?grant_type=refresh_token', { refresh_token })
    const answers = await Promise.all(Array.from({ length: 8 }, () => refresh(session.refresh_token)))
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200])
    const next = new Set(answers.map(({ body }) => body['refresh_token']))
    assert.equal(next.size, 1)
    const [last] = next
    assert.equal((await refresh(last)).status, 200)
    // Two steps back: somebody else has it, and the session ends for both.
    assert.equal((await refresh(session.refresh_token)).code, 'refresh_token_already_used')
    assert.equal((await refresh(last)).code, 'refresh_token_not_found')
  })

  it('a refresh token that was used a while ago ends the session', async () => {
    const { session } = await signedUp()
    const refresh = (refresh_token: unknown) => desk.post('token?grant_type=refresh_token', { refresh_token })
    const next = (await refresh(session.refresh_token)).body['refresh_token']
    await db.rows(
      `update auth.refresh_tokens set revoked_at = revoked_at - interval '11 seconds' where revoked_at is not null`,
    )
    assert.equal((await refresh(session.refresh_token)).code, 'refresh_token_already_used')
    assert.equal((await refresh(next)).code, 'refresh_token_not_found')
  })

  it('a code is good once, and nobody gets a sixth attempt', async () => {
    const email = address()
    await desk.post('otp', { email })
    const verify = (token: string) => desk.post('verify', { type: 'email', email, token })
    const once = await Promise.all(Array.from({ length: 6 }, () => verify(desk.codeTo(email))))
    assert.deepEqual(once.filter(({ status }) => status === 200).length, 1)
    await desk.post('otp', { email })
    const wrong = String((Number(desk.codeTo(email)) + 1) % 1_000_000).padStart(6, '0')
    await Promise.all(Array.from({ length: 5 }, () => verify(wrong)))
    assert.equal((await verify(desk.codeTo(email))).code, 'otp_expired')
  })
})

describe('what nobody reads', () => {
  it('no role of the API has a right on users, sessions, tokens or codes', async () => {
    const rights = await db.rows(
      `select c.relname, r.role from pg_class c cross join unnest(array['anon', 'authenticated', 'service_role', 'public']) r (role)
       where c.relnamespace = 'auth'::regnamespace and c.relkind = 'r'
         and has_table_privilege(r.role, c.oid, 'select, insert, update, delete, truncate, references, trigger')`,
    )
    assert.deepEqual(rights, [])
    const tables = await db.rows(
      `select 1 from pg_class where relnamespace = 'auth'::regnamespace and relkind = 'r' and not relrowsecurity`,
    )
    assert.deepEqual(tables, [])
  })

  it('no password, token or code is kept as it was sent', async () => {
    const { session, email } = await signedUp()
    await desk.post('recover', { email })
    const kept = await db.rows<{ text: string }>(
      `select (select string_agg(u::text, ' ') from auth.users u) || (select string_agg(t::text, ' ') from auth.refresh_tokens t)
         || (select string_agg(o::text, ' ') from auth.one_time_tokens o) as text`,
    )
    const text = kept[0]?.text ?? ''
    for (const secret of [PASSWORD, session.refresh_token]) assert.ok(!text.includes(secret))
    // A million codes are soon tried: the digest takes what only the server knows.
    const code = createHash('sha256').update(desk.codeTo(email)).digest('hex')
    assert.match(text, /\\x[0-9a-f]{64}/)
    assert.ok(!text.includes(code))
    assert.match(text, /\$scrypt\$N=32768,r=8,p=3\$/)
  })
})
