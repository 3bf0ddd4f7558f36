import http, { type RefinedParams, type RefinedResponse } from 'k6/http'
import { Counter } from 'k6/metrics'
import { now, type Operation, record } from './history.ts'

const repeatedRequests = new Counter('repeated_requests')

/** One call and at most three repeats, each after a longer random wait, while the server says that it is busy. */
export async function postRetrying(
  url: string,
  body: unknown,
  headers: Record<string, string>,
  params: Params = {},
  operation?: Operation,
): Promise<RefinedResponse<'text'>> {
  for (let attempt = 0; ; attempt++) {
    const response = await post(url, body, headers, params, operation)
    if (response.status !== 503 || attempt === RETRIES_MAX) return response
    repeatedRequests.add(1)
    await pause(WAIT_S * 2 ** attempt * (0.5 + Math.random()))
  }
}

/** One call; where it is an operation of the history, that has it. */
export async function post(
  url: string,
  body: unknown,
  headers: Record<string, string>,
  params: Params = {},
  operation?: Operation,
): Promise<RefinedResponse<'text'>> {
  const call = now()
  const response = await http.asyncRequest('POST', url, JSON.stringify(body), {
    ...params,
    headers,
    responseType: 'text',
  })
  if (operation !== undefined) record(operation, call, response.status, () => jsonOf(response))
  return response
}

type Params = Pick<RefinedParams<'text'>, 'tags' | 'responseCallback' | 'redirects'>

const RETRIES_MAX = 3
const WAIT_S = 0.1

/** Lets time pass for this user only: k6's own sleep would stop an asynchronous script altogether. */
export function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, seconds * 1000)
  })
}

/** The body as JSON, or an empty object where it is none. */
export function jsonOf(response: RefinedResponse<'text'>): Record<string, unknown> {
  try {
    return (response.json() ?? {}) as Record<string, unknown>
  } catch {
    return {}
  }
}
