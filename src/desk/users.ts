import { integer, json, optional, text, uuid } from './parameters.ts'
import { verb } from './verb.ts'

/** A user as Supabase Auth shows one; the database writes it, and it passes through. */
export interface User {
  readonly id: string
  readonly email: string
  readonly role: string
  readonly app_metadata: Readonly<Record<string, unknown>>
  readonly user_metadata: Readonly<Record<string, unknown>>
  readonly email_confirmed_at?: string
}

export interface SignIn {
  readonly session_id: string
  readonly method: string
  readonly user: User
}

interface Failed {
  readonly error: string
  readonly wait_seconds?: number
}

/** False on a Supabase project, whose own Auth has the users. */
export const hasOwnUsers = verb('has_own_users', 'auth', {}).gives<boolean>()

export const signUp = verb('sign_up', 'auth', { user: json }).gives<{
  readonly created: boolean
  readonly user: User | null
}>()

export const findPassword = verb('find_password', 'auth', { email: text }).gives<{
  readonly user_id: string
  readonly password_hash: string | null
  readonly confirmed: boolean
  readonly banned: boolean
} | null>()

/** Begins a session; `digest` is that of its first refresh token. */
export const beginSignIn = verb('begin_sign_in', 'auth', {
  user_id: uuid,
  method: text,
  digest: text,
  user_agent: optional(text),
  password_hash: optional(text),
}).gives<(Omit<SignIn, 'method'> & { readonly error?: undefined }) | Failed>()

/** Trades a refresh token for its successor. */
export const refreshSignIn = verb('refresh_sign_in', 'auth', {
  digest: text,
  next_digest: text,
  reuse_seconds: optional(integer),
}).gives<(SignIn & { readonly error?: undefined }) | Failed>()

export const endSignIns = verb('end_sign_ins', 'auth', {
  user_id: uuid,
  session_id: uuid,
  scope: text,
}).gives<number>()

export const signedInUser = verb('signed_in_user', 'auth', {
  user_id: uuid,
  session_id: optional(uuid),
}).gives<
  { readonly user: User; readonly password_hash: string | null; readonly error?: undefined } | Failed
>()

export const changeUser = verb('change_user', 'auth', {
  user_id: uuid,
  changes: json,
  kept_session_id: optional(uuid),
}).gives<{ readonly user: User; readonly error?: undefined } | Failed>()

export const writeCode = verb('write_code', 'auth', { code: json }).gives<
  { readonly sent: boolean; readonly error?: undefined } | Failed
>()

export const takeCode = verb('take_code', 'auth', { email: text, types: text, digest: text }).gives<
  { readonly user_id: string; readonly type: string; readonly error?: undefined } | Failed
>()

export const findUsers = verb('find_users', 'auth', {
  limit: optional(integer),
  offset: optional(integer),
  user_id: optional(uuid),
}).gives<{ readonly total: number; readonly users: readonly User[] }>()

export const deleteUser = verb('delete_user', 'auth', { user_id: uuid }).gives<boolean>()

/** Gives how many rows went. */
export const forgetLeftovers = verb('forget_leftovers', 'webhooks', {
  limit: optional(integer),
}).gives<number>()
