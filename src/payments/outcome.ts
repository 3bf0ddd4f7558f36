import Stripe from 'stripe'

/**
 * How a call ended. `refused`: the provider definitely did nothing, and will not. `unknown`: it may or may not have; only
 * asking, or the same call with the same key, tells.
 */
export type Outcome<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string }
  | { readonly kind: 'unknown'; readonly code: string; readonly message: string; readonly cause: unknown }

/** Throws what is a bug of ours. Messages are built from codes, since the provider's own messages quote keys and addresses. */
export async function outcomeOf<T>(call: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { kind: 'done', value: await call() }
  } catch (error) {
    if (error instanceof Stripe.errors.StripeError) return failureOf(error)
    throw error
  }
}

function failureOf(error: Stripe.errors.StripeError): Outcome<never> {
  const code = codeOf(error)
  const at = error.param === undefined ? '' : ` at ${error.param}`
  const request = error.requestId === undefined ? '' : ` (${error.requestId})`
  const message = `${code}${at}${request}${ADVICE[code] ?? ''}`
  return REFUSALS.some((kind) => error instanceof kind)
    ? { kind: 'refused', code, message }
    : { kind: 'unknown', code, message, cause: error }
}

/**
 * Only an answer that says so is a refusal. Not 409 (the key is in use), 429 and 5xx; not a wrong key of ours, or one that
 * lacks a right (the order must not be thrown away for that); and not other parameters under a key, where the first call may have been done.
 */
const REFUSALS = [Stripe.errors.StripeInvalidRequestError, Stripe.errors.StripeCardError]

function codeOf(error: Stripe.errors.StripeError): string {
  if (error instanceof Stripe.errors.StripeConnectionError) return 'connection_error'
  if (error instanceof Stripe.errors.StripeAuthenticationError) return 'authentication_error'
  if (error instanceof Stripe.errors.StripePermissionError) return 'permission_error'
  if (error instanceof Stripe.errors.StripeIdempotencyError) return 'idempotency_error'
  return error.code ?? error.rawType ?? 'api_error'
}

const ADVICE: Readonly<Record<string, string>> = {
  connection_error: ': the provider did not answer.',
  authentication_error: ': the provider does not know our key. Correct STRIPE_SECRET_KEY and start again.',
  permission_error: ': our key may not do this. Give it the right in the dashboard, or use another key.',
  idempotency_error:
    ': the provider knows this key with other parameters. Was the database restored, or does another one use the account?',
}
