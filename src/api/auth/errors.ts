import { json, type Reply } from '../http.ts'

/** Refusals in the words of Supabase Auth, whose clients tell them apart by code. */
const errors = {
  anonymous_provider_disabled: [422, 'Anonymous sign-ins are disabled'],
  bad_json: [400, 'Could not parse request body as JSON'],
  bad_jwt: [403, 'invalid JWT: unable to parse or verify signature'],
  email_exists: [422, 'A user with this email address has already been registered'],
  email_not_confirmed: [400, 'Email not confirmed'],
  email_provider_disabled: [422, 'Email logins are disabled: no mail can be sent. Set SMTP_URL'],
  invalid_credentials: [400, 'Invalid login credentials'],
  no_authorization: [401, 'This endpoint requires a valid Bearer token'],
  not_admin: [403, 'User not allowed'],
  not_found: [404, 'There is no such endpoint'],
  method_not_allowed: [405, 'Method not allowed'],
  otp_expired: [403, 'Token has expired or is invalid'],
  over_email_send_rate_limit: [429, 'For security purposes, you can only request this after some time'],
  over_request_rate_limit: [429, 'Request rate limit reached'],
  payload_too_large: [413, 'The request body is too large'],
  provider_disabled: [400, 'Unsupported provider: provider is not enabled'],
  refresh_token_already_used: [400, 'Invalid Refresh Token: Already Used'],
  refresh_token_not_found: [400, 'Invalid Refresh Token: Refresh Token Not Found'],
  same_password: [422, 'New password should be different from the old password.'],
  session_not_found: [403, 'Session from session_id claim in JWT does not exist'],
  signup_disabled: [422, 'Signups not allowed for this instance'],
  supabase_auth: [501, "The users of this database are Supabase Auth's: sign in at the project's own URL"],
  unavailable: [503, 'The service is overloaded or its database is away, please retry after a moment.'],
  unexpected_failure: [500, 'Unexpected failure, please check server logs for more information'],
  user_already_exists: [422, 'User already registered'],
  user_banned: [400, 'User is banned'],
  user_not_found: [404, 'User not found'],
  validation_failed: [400, 'The request is invalid'],
  weak_password: [422, 'Password is too weak'],
} as const satisfies Readonly<Record<string, readonly [status: number, message: string]>>

export type AuthCode = keyof typeof errors

export class AuthError extends Error {
  readonly code: AuthCode
  readonly more: Readonly<Record<string, unknown>>
  constructor(code: AuthCode, message?: string, more: Readonly<Record<string, unknown>> = {}) {
    super(message ?? errors[code][1])
    this.code = code
    this.more = more
  }
}

export function isAuthCode(code: string): code is AuthCode {
  return Object.hasOwn(errors, code)
}

/** Clients that name an API version get the shape of 2024-01-01, all others the one before it. */
export function isNewClient(request: Request): boolean {
  return (request.headers.get('x-supabase-api-version') ?? '') >= API_VERSION
}

const API_VERSION = '2024-01-01'

export function authErrorReply({ code, message, more }: AuthError, isNew: boolean): Reply {
  const [status] = errors[code]
  const body = isNew ? { code, message, ...more } : { code: status, error_code: code, msg: message, ...more }
  const retry: Record<string, string> = status === 503 ? { 'Retry-After': '1' } : {}
  const version: Record<string, string> = isNew ? { 'X-Supabase-Api-Version': API_VERSION } : {}
  return json(status, body, { 'x-sb-error-code': code, ...version, ...retry })
}
