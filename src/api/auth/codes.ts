import { z } from 'zod'
import { SERVICE } from '../../desk/callers.ts'
import { takeCode, writeCode } from '../../desk/users.ts'
import { json, type Reply } from '../http.ts'
import { type AuthContext, type AuthRequest, bodyOf, data, email, signIn } from './context.ts'
import { codeDigest, newCode } from './digests.ts'
import { AuthError } from './errors.ts'

type CodeType = 'signup' | 'email' | 'recovery' | 'email_change'

interface CodeRequest {
  readonly email: string
  readonly type: CodeType
  readonly create?: boolean
  readonly data?: object
  /** Where it is sent, if not to `email`. */
  readonly to?: string
}

const SUBJECTS: Readonly<Record<CodeType, string>> = {
  signup: 'Confirm your e-mail address',
  email: 'Your code to sign in',
  recovery: 'Your code to choose a new password',
  email_change: 'Confirm your new e-mail address',
}

/** Sends a code where there is somebody to send one to; all addresses look alike to who asks. */
export async function sendCode(asked: CodeRequest, context: AuthContext): Promise<void> {
  const { mailer, rules, database, chainKey } = context
  if (mailer === undefined) throw new AuthError('email_provider_disabled')
  const code = newCode()
  const to = asked.to ?? asked.email
  const written = await writeCode(database, SERVICE, {
    code: {
      email: asked.email,
      type: asked.type,
      digest: codeDigest(code, to, chainKey),
      seconds: rules.codeSeconds,
      pause_seconds: rules.mailPauseSeconds,
      create: asked.create ?? false,
      data: asked.data ?? {},
      relates_to: to,
    },
  })
  // Another server sent one a moment ago: an error would tell that somebody has the address.
  if (written.error !== undefined || !written.sent) return
  const minutes = Math.round(rules.codeSeconds / 60)
  const text = `Your code is ${code}\n\nIt is good once, for ${minutes} minutes. If you did not ask for it, you need not do anything.`
  await mailer.send({ to, subject: SUBJECTS[asked.type], text })
}

const otpRequest = z.object({
  email: email.optional(),
  phone: z.string().nullish(),
  create_user: z.boolean().default(true),
  data,
})

/** `POST /otp`: a code by mail, which signs in; without an account it makes one, unless told not to. */
export async function otp(asking: AuthRequest, context: AuthContext): Promise<Reply> {
  const body = await bodyOf(asking, otpRequest)
  if (body.email === undefined) throw new AuthError('provider_disabled', 'Unsupported phone provider')
  const create = body.create_user && context.rules.signUps
  await context.pauses.begin(body.email)
  await sendCode({ email: body.email, type: 'email', create, data: body.data }, context)
  return json(200, {})
}

/** `POST /recover`: a code by mail, after which `PUT /user` takes a new password. */
export async function recover(asking: AuthRequest, context: AuthContext): Promise<Reply> {
  const body = await bodyOf(asking, z.object({ email }))
  await context.pauses.begin(body.email)
  await sendCode({ email: body.email, type: 'recovery' }, context)
  return json(200, {})
}

const resendRequest = z.object({ email, type: z.enum(['signup', 'email_change']) })

/** `POST /resend`: the code that confirms an address, again. */
export async function resend(asking: AuthRequest, context: AuthContext): Promise<Reply> {
  const body = await bodyOf(asking, resendRequest)
  await context.pauses.begin(body.email)
  if (body.type === 'signup') await sendCode({ email: body.email, type: 'signup' }, context)
  return json(200, {})
}

const verification = z.object({
  type: z.enum(['signup', 'email', 'magiclink', 'recovery', 'email_change', 'invite']),
  email,
  token: z.string().min(1, 'must be the code').max(100),
})

/** Which codes each type of a verification takes: clients say `email` for all that came by mail. */
const TAKES: Readonly<Record<z.output<typeof verification>['type'], string>> = {
  signup: 'signup,email',
  email: 'email,signup',
  magiclink: 'email',
  recovery: 'recovery',
  email_change: 'email_change',
  invite: 'signup',
}

/** `POST /verify`: a code, for a session. */
export async function verify(asking: AuthRequest, context: AuthContext): Promise<Reply> {
  const body = await bodyOf(asking, verification)
  const taken = await takeCode(context.database, SERVICE, {
    email: body.email,
    types: TAKES[body.type],
    digest: codeDigest(body.token, body.email, context.chainKey),
  })
  if (taken.error !== undefined) throw new AuthError('otp_expired')
  return signIn(asking, taken.user_id, taken.type === 'recovery' ? 'recovery' : 'otp', context)
}
