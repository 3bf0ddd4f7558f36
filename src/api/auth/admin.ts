import { z } from 'zod'
import { UUID } from '../../core/uuid.ts'
import { SERVICE } from '../../desk/callers.ts'
import { changeUser, deleteUser, findUsers, signUp } from '../../desk/users.ts'
import { json, type Reply } from '../http.ts'
import { type AuthContext, type AuthRequest, bodyOf, data, demandStrong, email, password } from './context.ts'
import { AuthError, isAuthCode } from './errors.ts'

const PAGE_MAX = 1_000
const FOREVER_SECONDS = 10 * 365 * 24 * 3_600

const attributes = z.object({
  email: email.optional(),
  password: password.optional(),
  email_confirm: z.boolean().default(false),
  user_metadata: data.optional(),
  app_metadata: data.optional(),
  ban_duration: z
    .string()
    .regex(/^(none|\d{1,9}h)$/, 'must be hours such as 24h, or none')
    .optional(),
})

/** `/admin/users`, for the service role: list and create, and one by id: read, change, delete. */
export async function adminUsers(asking: AuthRequest, context: AuthContext): Promise<Reply> {
  if (asking.caller.role !== 'service_role') throw new AuthError('not_admin')
  const { method } = asking.request
  if (asking.rest === '') {
    if (method === 'GET') return listUsers(asking, context)
    if (method === 'POST') return createUser(asking, context)
    throw new AuthError('method_not_allowed')
  }
  const id = asking.rest
  if (!UUID.test(id)) throw new AuthError('user_not_found')
  switch (method) {
    case 'GET':
      return showUser(id, context)
    case 'PUT':
      return updateUser(id, asking, context)
    case 'DELETE':
      if (!(await deleteUser(context.database, SERVICE, { user_id: id })))
        throw new AuthError('user_not_found')
      return json(200, {})
    default:
      throw new AuthError('method_not_allowed')
  }
}

async function listUsers({ query }: AuthRequest, { database }: AuthContext): Promise<Reply> {
  const whole = (name: string, usual: number, max: number) => {
    const value = Number(query.get(name) ?? usual)
    return Number.isInteger(value) && value > 0 ? Math.min(value, max) : usual
  }
  const limit = whole('per_page', 50, PAGE_MAX)
  const offset = (whole('page', 1, 1_000_000) - 1) * limit
  const { users, total } = await findUsers(database, SERVICE, { limit, offset })
  return json(200, { users, aud: 'authenticated' }, { 'x-total-count': String(total) })
}

async function showUser(id: string, { database }: AuthContext): Promise<Reply> {
  const [user] = (await findUsers(database, SERVICE, { user_id: id })).users
  if (user === undefined) throw new AuthError('user_not_found')
  return json(200, user)
}

async function createUser(asking: AuthRequest, context: AuthContext): Promise<Reply> {
  const body = await bodyOf(asking, attributes)
  if (body.email === undefined)
    throw new AuthError('validation_failed', 'Cannot create a user without an email')
  const made = await signUp(context.database, SERVICE, {
    user: {
      email: body.email,
      password_hash: await hashOf(body.password, context),
      data: body.user_metadata ?? {},
      app_data: body.app_metadata ?? {},
      confirmed: body.email_confirm,
      only_new: true,
    },
  })
  if (!made.created || made.user === null) throw new AuthError('email_exists')
  return json(200, made.user)
}

async function updateUser(id: string, asking: AuthRequest, context: AuthContext): Promise<Reply> {
  const body = await bodyOf(asking, attributes)
  const hash = await hashOf(body.password, context)
  const given = {
    email: body.email,
    password_hash: hash ?? undefined,
    data: body.user_metadata,
    app_data: body.app_metadata,
    confirmed: body.email_confirm || undefined,
    ...(body.ban_duration === undefined ? {} : { banned_until: bannedUntil(body.ban_duration) }),
  }
  const changed = await changeUser(context.database, SERVICE, { user_id: id, changes: given })
  if (changed.error !== undefined)
    throw new AuthError(isAuthCode(changed.error) ? changed.error : 'user_not_found')
  return json(200, changed.user)
}

async function hashOf(given: string | undefined, { passwords, rules }: AuthContext): Promise<string | null> {
  if (given === undefined) return null
  demandStrong(given, rules)
  return passwords.hash(given)
}

function bannedUntil(duration: string): string | null {
  if (duration === 'none') return null
  const seconds = Math.min(Number.parseInt(duration, 10) * 3_600, FOREVER_SECONDS)
  return new Date(Date.now() + seconds * 1000).toISOString()
}
