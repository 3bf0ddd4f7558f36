/** What Stripe's API answers when it says no. */
export interface ErrorBody {
  readonly type:
    | 'api_error'
    | 'card_error'
    | 'idempotency_error'
    | 'invalid_request_error'
    | 'rate_limit_error'
  readonly message: string
  readonly code?: string
  readonly param?: string
}

export class StripeRefusal extends Error {
  readonly status: number
  readonly body: ErrorBody
  /** Whether the call had begun, so that its idempotency key keeps this answer. */
  readonly kept: boolean
  constructor(status: number, body: ErrorBody, kept = false) {
    super(body.message)
    this.name = 'StripeRefusal'
    this.status = status
    this.body = body
    this.kept = kept
  }
}

/** A parameter that Stripe does not take; nothing was begun. */
export function invalidRequest(message: string, param?: string, code?: string): StripeRefusal {
  return new StripeRefusal(400, {
    type: 'invalid_request_error',
    message,
    ...(code === undefined ? {} : { code }),
    ...(param === undefined ? {} : { param }),
  })
}

/** The call was understood and begun, and may not happen. */
export function requestRefusal(message: string, code?: string, param?: string): StripeRefusal {
  return new StripeRefusal(400, invalidRequest(message, param, code).body, true)
}

/** In a path it is 404, as a parameter 400. */
export function resourceMissing(what: string, id: string, param: string, status: 400 | 404): StripeRefusal {
  return new StripeRefusal(status, invalidRequest(`No such ${what}: '${id}'`, param, 'resource_missing').body)
}
