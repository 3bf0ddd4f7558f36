import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { openAuthDesk } from './auth-desk.ts'

const desk = await openAuthDesk({ autoconfirm: false })
const paused = await openAuthDesk({ autoconfirm: false, mailPauseSeconds: 60 })
const { db, server } = desk
const [MINE, THEIRS] = ['correct horse', 'guessed or planted']
const address = () => `${randomUUID().slice(0, 8)}@example.org`
const admin = desk.client(server.authenticator.keys.serviceRole).auth.admin

async function member() {
  const email = address()
  const { data } = await admin.createUser({ email, password: MINE, email_confirm: true })
  return { email, id: data.user?.id ?? '' }
}
const signIn = async (email: string, password: string) =>
  (await desk.post('token?grant_type=password', { email, password })).code ?? 'signed in'
const verify = (email: string, type: string) =>
  desk.post('verify', { type, email, token: desk.codeTo(email) })

describe('a stranger who signs up with an address first', () => {
  for (const [path, type] of [
    ['otp', 'email'],
    ['recover', 'recovery'],
  ] as const) {
    it(`has no password to it once its owner comes by ${path}`, async () => {
      const email = address()
      await desk.post('signup', { email, password: THEIRS })
      await desk.post(path, { email })
      assert.equal((await verify(email, type)).status, 200)
      assert.equal(await signIn(email, THEIRS), 'invalid_credentials')
    })
  }

  it('cannot put another password under a code that was sent before', async () => {
    const email = address()
    await desk.post('signup', { email, password: MINE })
    const token = desk.codeTo(email)
    await desk.post('signup', { email, password: THEIRS })
    const got = await desk.post('verify', { type: 'signup', email, token })
    assert.equal(got.code, 'otp_expired')
  })

  it('changes nothing while no further code may be sent', async () => {
    const email = address()
    await paused.post('signup', { email, password: MINE })
    assert.equal(
      (await paused.post('signup', { email, password: THEIRS })).code,
      'over_email_send_rate_limit',
    )
    const token = paused.codeTo(email)
    assert.equal((await paused.post('verify', { type: 'signup', email, token })).status, 200)
    const own = await paused.post('token?grant_type=password', { email, password: MINE })
    assert.equal(own.status, 200)
  })
})

describe('a banned user', () => {
  it('comes in by no way, and is shown to nobody', async () => {
    const { email, id } = await member()
    const { data } = await desk.client().auth.signInWithPassword({ email, password: MINE })
    await desk.post('otp', { email })
    await desk.post('recover', { email })
    await admin.updateUserById(id, { ban_duration: '24h' })
    assert.equal(await signIn(email, MINE), 'user_banned')
    assert.equal((await verify(email, 'recovery')).code, 'user_banned')
    assert.equal(
      (await desk.post('token?grant_type=refresh_token', { refresh_token: data.session?.refresh_token }))
        .code,
      'user_banned',
    )
    assert.equal((await desk.client().auth.getUser(data.session?.access_token)).error?.code, 'user_banned')
  })
})

describe('an old password', () => {
  it('gives no session that outlives its change', async () => {
    const { id } = await member()
    const [kept] = await db.rows<{ encrypted_password: string }>(
      `select encrypted_password from auth.users where id = '${id}'`,
    )
    const begin = (hash: string) =>
      db.rows<{ got: { error?: string } }>(
        `select ticketing.begin_sign_in('${id}', 'password', '${'ab'.repeat(32)}', null, '${hash}') got`,
      )
    await admin.updateUserById(id, { password: 'another one' })
    assert.equal((await begin(kept?.encrypted_password ?? ''))[0]?.got.error, 'invalid_credentials')
    assert.deepEqual(await db.rows(`select id from auth.sessions where user_id = '${id}'`), [])
  })
})

describe('a code', () => {
  it('still signs in while somebody else wants to move to the address', async () => {
    const [victim, stranger] = [await member(), await member()]
    await desk.post('otp', { email: victim.email })
    const token = desk.codeTo(victim.email)
    const client = desk.client()
    await client.auth.signInWithPassword({ email: stranger.email, password: MINE })
    await client.auth.updateUser({ email: victim.email })
    assert.equal((await desk.post('verify', { type: 'email', email: victim.email, token })).status, 200)
  })

  it('is refused alike for an address that nobody has', async () => {
    const service = paused.client(paused.server.authenticator.keys.serviceRole).auth.admin
    for (const path of ['recover', 'otp', 'signup', 'resend']) {
      const email = address()
      await service.createUser({ email, password: MINE, email_confirm: true })
      const ask = async (to: string) => {
        const body = { email: to, password: MINE, create_user: false, type: 'signup' }
        const answers = [await paused.post(path, body), await paused.post(path, body)]
        return answers.map(({ status, code }) => [status, code])
      }
      assert.deepEqual(await ask(email), await ask(address()))
    }
  })
})

describe('metadata', () => {
  it('keeps nulls inside, and takes a key away by null', async () => {
    const { email } = await member()
    const client = desk.client()
    await client.auth.signInWithPassword({ email, password: MINE })
    await client.auth.updateUser({ data: { a: { b: null }, gone: 1 } })
    const { data } = await client.auth.updateUser({ data: { gone: null } })
    assert.deepEqual(data.user?.user_metadata, { a: { b: null } })
  })

  it('never grows beyond what a token can carry in a header', async () => {
    const { email } = await member()
    const client = desk.client()
    await client.auth.signInWithPassword({ email, password: MINE })
    const codes = []
    for (const key of ['a', 'b', 'c', 'd']) {
      const { error } = await client.auth.updateUser({ data: { [key]: 'x'.repeat(2_500) } })
      codes.push(error?.code ?? 'ok')
    }
    assert.ok(codes.includes('ok') && codes.includes('validation_failed'), String(codes))
    assert.equal((await client.auth.refreshSession()).error, null)
    assert.equal((await client.auth.getUser()).error, null)
    assert.equal((await client.from('events').select('id')).error, null)
  })

  for (const [name, text] of [
    ['half a pair of surrogates', '{"a":"\\ud800"}'],
    ['a key of half a pair', '{"\\udc00":1}'],
    ['many levels', `{"a":${'['.repeat(1_500)}${']'.repeat(1_500)}}`],
  ] as const) {
    it(`refuses ${name}, and does not fail`, async () => {
      const got = await desk.post('signup', `{"email":"${address()}","password":"${MINE}","data":${text}}`)
      assert.ok([200, 400].includes(got.status), `${got.status} ${got.code}`)
    })
  }
})

it('no change of a phone number is believed to have happened', async () => {
  const { email } = await member()
  const client = desk.client()
  await client.auth.signInWithPassword({ email, password: MINE })
  assert.equal((await client.auth.updateUser({ phone: '+491234567' })).error?.code, 'provider_disabled')
})
