import { z } from 'zod'
import { SERVICE } from '../../desk/callers.ts'
import { changeUser, endSignIns, signedInUser, type User } from '../../desk/users.ts'
import { json, type Reply } from '../http.ts'
import { sendCode } from './codes.ts'
import { type AuthContext, type AuthRequest, bodyOf, data, demandStrong, email, password } from './context.ts'
import { AuthError, isAuthCode } from './errors.ts'

interface SignedIn {
  readonly user: User
  readonly sessionId: string | undefined
  readonly passwordHash: string | null
}

/** Whose token this is, while the session lasts. */
async function signedIn({ caller }: AuthRequest, { database }: AuthContext): Promise<SignedIn> {
  const { sub, session_id: sessionId } = claimsOf(caller.claims)
  if (sub === undefined) throw new AuthError('no_authorization')
  const found = await signedInUser(database, SERVICE, { user_id: sub, session_id: sessionId })
  if (found.error !== undefined) throw new AuthError(isAuthCode(found.error) ? found.error : 'user_not_found')
  return { user: found.user, sessionId, passwordHash: found.password_hash }
}

const claims = z.object({
  sub: z.guid().optional().catch(undefined),
  session_id: z.guid().optional().catch(undefined),
})

function claimsOf(text: string): z.output<typeof claims> {
  return claims.parse(JSON.parse(text))
}

/** `GET /user` */
export async function getUser(asking: AuthRequest, context: AuthContext): Promise<Reply> {
  return json(200, (await signedIn(asking, context)).user)
}

const changes = z.object({
  email: email.optional(),
  phone: z.string().nullish(),
  password: password.optional(),
  data: data.optional(),
})

/** `PUT /user`: another password, other data, another address once it is confirmed. */
export async function putUser(asking: AuthRequest, context: AuthContext): Promise<Reply> {
  const { user, sessionId, passwordHash } = await signedIn(asking, context)
  const body = await bodyOf(asking, changes)
  if (body.phone) throw new AuthError('provider_disabled', 'Unsupported phone provider')
  const { passwords, rules, database } = context
  const wanted: Record<string, unknown> = body.data === undefined ? {} : { data: body.data }
  if (body.password !== undefined) {
    demandStrong(body.password, rules)
    if (passwordHash !== null && (await passwords.matches(body.password, passwordHash))) {
      throw new AuthError('same_password')
    }
    wanted['password_hash'] = await passwords.hash(body.password)
  }
  const isMoving = body.email !== undefined && body.email !== user.email
  if (isMoving && rules.autoconfirm) wanted['email'] = body.email
  const needsCode = isMoving && !rules.autoconfirm
  if (needsCode && body.email !== undefined) await context.pauses.begin(body.email)
  const changed = await changeUser(database, SERVICE, {
    user_id: user.id,
    changes: wanted,
    kept_session_id: sessionId,
  })
  if (changed.error !== undefined)
    throw new AuthError(isAuthCode(changed.error) ? changed.error : 'user_not_found')
  if (needsCode && body.email !== undefined) {
    await sendCode({ email: user.email, type: 'email_change', to: body.email }, context)
    return json(200, {
      ...changed.user,
      new_email: body.email,
      email_change_sent_at: new Date().toISOString(),
    })
  }
  return json(200, changed.user)
}

/** `POST /logout?scope=global|local|others` */
export async function logout(asking: AuthRequest, context: AuthContext): Promise<Reply> {
  const { user, sessionId } = await signedIn(asking, context)
  const scope = asking.query.get('scope') ?? 'global'
  if (!['global', 'local', 'others'].includes(scope)) {
    throw new AuthError('validation_failed', `Unsupported logout scope "${scope}"`)
  }
  const noSession = '00000000-0000-0000-0000-000000000000'
  await endSignIns(context.database, SERVICE, { user_id: user.id, session_id: sessionId ?? noSession, scope })
  return { status: 204, body: null, headers: {} }
}
