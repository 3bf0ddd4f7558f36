import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { after, describe, it } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { SMTPServer } from 'smtp-server'
import { openOutbox, openSmtpMailer } from '../../src/api/auth/mailer.ts'
import { openLog } from '../../src/core/log.ts'
import { openAuthDesk } from './auth-desk.ts'
import { ask, JWT_SECRET, serve } from './scratch.ts'

const desk = await openAuthDesk({ autoconfirm: false })
const PASSWORD = 'correct horse'

describe('an address that is still to be confirmed', () => {
  it('signs in once its code was given', async () => {
    const email = 'ann@example.org'
    const signedUp = await desk.client().auth.signUp({ email, password: PASSWORD })
    assert.deepEqual([signedUp.error, signedUp.data.session], [null, null])
    const early = await desk.client().auth.signInWithPassword({ email, password: PASSWORD })
    assert.equal(early.error?.code, 'email_not_confirmed')
    const client = desk.client()
    assert.equal((await client.auth.resend({ type: 'signup', email })).error, null)
    const { data, error } = await client.auth.verifyOtp({ email, token: desk.codeTo(email), type: 'email' })
    assert.deepEqual([error, data.user?.email], [null, email])
    assert.equal((await desk.client().auth.signInWithPassword({ email, password: PASSWORD })).error, null)
  })

  it('looks the same to who signs up with an address that has a user', async () => {
    const before = desk.mails.length
    const { data, error } = await desk
      .client()
      .auth.signUp({ email: 'ann@example.org', password: 'guessing it' })
    assert.deepEqual(
      [error, data.session, data.user?.identities, data.user?.email],
      [null, null, [], 'ann@example.org'],
    )
    assert.equal(desk.mails.length, before)
    assert.equal(
      (await desk.client().auth.signInWithPassword({ email: 'ann@example.org', password: PASSWORD })).error,
      null,
    )
  })

  it('is the new one only after the code that it got', async () => {
    const client = desk.client()
    await client.auth.signInWithPassword({ email: 'ann@example.org', password: PASSWORD })
    const changing = await client.auth.updateUser({ email: 'ann@other.example' })
    assert.deepEqual([changing.error, changing.data.user?.email], [null, 'ann@example.org'])
    const moved = await client.auth.verifyOtp({
      email: 'ann@other.example',
      token: desk.codeTo('ann@other.example'),
      type: 'email_change',
    })
    assert.deepEqual([moved.error, moved.data.user?.email], [null, 'ann@other.example'])
  })
})

describe('mail', () => {
  it('goes out by SMTP, with the code in it, and not twice within a minute', async () => {
    const got: string[] = []
    const smtp = new SMTPServer({
      disabledCommands: ['AUTH', 'STARTTLS'],
      onData: (stream, _session, done) => {
        let text = ''
        stream.on('data', (chunk: Buffer) => {
          text += chunk.toString()
        })
        stream.on('end', () => {
          got.push(text)
          done()
        })
      },
    })
    smtp.listen(0, '127.0.0.1')
    await once(smtp.server, 'listening')
    const { port } = smtp.server.address() as AddressInfo
    const mailer = openOutbox(
      openSmtpMailer(`smtp://127.0.0.1:${port}`, 'House <house@example.org>'),
      () => {},
    )
    const server = await serve(desk.db.url, { app: { auth: { secret: JWT_SECRET, mailer } } })
    after(async () => {
      await server[Symbol.asyncDispose]()
      await mailer.close()
      smtp.close()
    })
    const otp = (email: string) =>
      fetch(`${server.url}/auth/v1/otp`, {
        method: 'POST',
        headers: { apikey: server.authenticator.keys.anon, 'content-type': 'application/json' },
        body: JSON.stringify({ email }),
      })
    assert.equal((await otp('bob@example.org')).status, 200)
    for (let i = 0; i < 250 && got.length === 0; i++) await setTimeout(20)
    assert.match(
      got[0] ?? '',
      /From: House <house@example.org>[\s\S]*To: bob@example.org[\s\S]*Your code is \d{6}/,
    )
    const soon = await otp('bob@example.org')
    assert.deepEqual([soon.status, soon.headers.get('x-sb-error-code')], [429, 'over_email_send_rate_limit'])
    assert.equal(got.length, 1)
  })
  it('that is not taken tells nobody who has an address: it is logged, without the address', async () => {
    const logged: string[] = []
    // Nobody listens there.
    const mailer = openOutbox(
      openSmtpMailer('smtp://127.0.0.1:1', 'house@example.org'),
      openLog(
        'error',
        () => new Date(),
        (line) => void logged.push(line),
      ),
    )
    await using server = await serve(desk.db.url, { app: { auth: { secret: JWT_SECRET, mailer } } })
    await desk.db.rows(`insert into auth.users (email, email_confirmed_at) values ('eve@example.org', now())`)
    const recover = async (email: string, at = server) => {
      const { status, text } = await ask(at, '/auth/v1/recover', { body: { email } })
      return { status, text }
    }
    const known = await recover('eve@example.org')
    assert.deepEqual(known, { status: 200, text: '{}' })
    assert.deepEqual(known, await recover('nobody@example.org'))
    // Another server that somebody asks within the minute, too.
    await using other = await serve(desk.db.url, { app: { auth: { secret: JWT_SECRET, mailer } } })
    assert.deepEqual(known, await recover('eve@example.org', other))
    await mailer.close()
    assert.deepEqual(
      logged.map((line) => JSON.parse(line)).map(({ event, cause }) => [event, cause]),
      [['mail_failed', 'ESOCKET']],
    )
    assert.doesNotMatch(logged.join(), /eve@/)
  })
})
