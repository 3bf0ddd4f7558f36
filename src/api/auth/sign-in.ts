import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { SERVICE } from '../../desk/callers.ts'
import { findPassword, signUp as makeUser, refreshSignIn } from '../../desk/users.ts'
import { json, type Reply } from '../http.ts'
import { sendCode } from './codes.ts'
import {
  type AuthContext,
  type AuthRequest,
  bodyOf,
  data,
  demandStrong,
  email,
  password,
  sessionReply,
  signIn,
} from './context.ts'
import { digestOf, successorOf } from './digests.ts'
import { AuthError, isAuthCode } from './errors.ts'

const newUser = z.object({
  email: email.optional(),
  phone: z.string().nullish(),
  password: password.optional(),
  data,
})

/** `POST /signup`: a user, and a session where the address need not be confirmed. */
export async function signUp(asking: AuthRequest, context: AuthContext): Promise<Reply> {
  const { rules, passwords, database, mailer } = context
  if (!rules.signUps) throw new AuthError('signup_disabled')
  const body = await bodyOf(asking, newUser)
  if (body.phone) throw new AuthError('provider_disabled', 'Phone signups are disabled')
  if (body.email === undefined) throw new AuthError('anonymous_provider_disabled')
  if (body.password === undefined || body.password === '') {
    throw new AuthError('validation_failed', 'Signup requires a valid password')
  }
  demandStrong(body.password, rules)
  if (!rules.autoconfirm && mailer === undefined) throw new AuthError('email_provider_disabled')
  if (!rules.autoconfirm) await context.pauses.begin(body.email)
  const user = {
    email: body.email,
    password_hash: await passwords.hash(body.password),
    data: body.data,
    confirmed: rules.autoconfirm,
    pause_seconds: rules.autoconfirm ? 0 : rules.mailPauseSeconds,
  }
  const made = await makeUser(database, SERVICE, { user })
  if (rules.autoconfirm) {
    if (!made.created || made.user === null) throw new AuthError('user_already_exists')
    return signIn(asking, made.user.id, 'password', context)
  }
  // Who has the address already hears nothing of it, and a stranger learns nothing.
  if (!made.created || made.user === null) return json(200, strangerOf(body.email, body.data))
  await sendCode({ email: body.email, type: 'signup' }, context)
  return json(200, { ...made.user, confirmation_sent_at: new Date().toISOString() })
}

/** What looks like a user who was just made, and is none. */
function strangerOf(address: string, metadata: object): object {
  const now = new Date().toISOString()
  return {
    id: randomUUID(),
    aud: 'authenticated',
    role: 'authenticated',
    email: address,
    phone: '',
    confirmation_sent_at: now,
    app_metadata: { provider: 'email', providers: ['email'] },
    user_metadata: metadata,
    identities: [],
    created_at: now,
    updated_at: now,
    is_anonymous: false,
  }
}

/** `POST /token`: a session by a password, or by the refresh token of the last one. */
export async function token(asking: AuthRequest, context: AuthContext): Promise<Reply> {
  switch (asking.query.get('grant_type')) {
    case 'password':
      return byPassword(asking, context)
    case 'refresh_token':
      return byRefreshToken(asking, context)
    default:
      throw new AuthError('provider_disabled', 'unsupported_grant_type')
  }
}

const credentials = z.object({
  email: email.optional(),
  phone: z.string().nullish(),
  password: password.default(''),
})

async function byPassword(asking: AuthRequest, context: AuthContext): Promise<Reply> {
  const body = await bodyOf(asking, credentials)
  if (body.phone) throw new AuthError('provider_disabled', 'Phone logins are disabled')
  if (body.email === undefined) throw new AuthError('validation_failed', 'missing email or phone')
  const found = await findPassword(context.database, SERVICE, { email: body.email })
  const matches = await context.passwords.matches(body.password, found?.password_hash)
  if (found === null || !matches) throw new AuthError('invalid_credentials')
  if (!found.confirmed) throw new AuthError('email_not_confirmed')
  if (found.banned) throw new AuthError('user_banned')
  return signIn(asking, found.user_id, 'password', context, found.password_hash)
}

async function byRefreshToken(asking: AuthRequest, context: AuthContext): Promise<Reply> {
  const { refresh_token: given } = await bodyOf(asking, z.object({ refresh_token: z.string().default('') }))
  if (given === '') throw new AuthError('validation_failed', 'refresh_token required')
  const next = successorOf(given, context.chainKey)
  const refreshed = await refreshSignIn(context.database, SERVICE, {
    digest: digestOf(given),
    next_digest: digestOf(next),
  })
  if (refreshed.error !== undefined) {
    throw new AuthError(isAuthCode(refreshed.error) ? refreshed.error : 'refresh_token_not_found')
  }
  return sessionReply(refreshed, next, context)
}
