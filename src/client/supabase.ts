import { answerOf, type Transport } from './transport.ts'
import { type Answer, NO_JSON, parseBody } from './verdict.ts'

/** What is needed of a client of supabase-js: its own fetch, headers and tokens go with every attempt. */
export interface SupabaseClientLike {
  readonly functions: {
    invoke(
      name: string,
      options: {
        method: 'GET' | 'POST'
        headers: Record<string, string>
        signal: AbortSignal
        body?: string
      },
    ): PromiseLike<{ data: unknown; error: unknown; response?: Response }>
  }
  rpc(
    name: string,
    args: object,
  ): {
    abortSignal(signal: AbortSignal): PromiseLike<{ data: unknown; error: unknown; status: number }>
  }
}

export function overSupabase(supabase: SupabaseClientLike): Transport {
  return (call, { signal, onSend }) => {
    // It asks for its token itself: nobody can say when the request left.
    onSend()
    return call.kind === 'function' ? invoke(supabase, call, signal) : callVerb(supabase, call, signal)
  }
}

type Send = (
  supabase: SupabaseClientLike,
  call: Parameters<Transport>[0],
  signal: AbortSignal,
) => Promise<Answer>

const invoke: Send = async (supabase, { name, query, method, text, key }, signal) => {
  const headers: Record<string, string> = {}
  if (text !== undefined) headers['Content-Type'] = 'application/json'
  if (key !== undefined) headers['Idempotency-Key'] = key
  const { data, error, response } = await supabase.functions.invoke(`${name}${query}`, {
    method,
    headers,
    signal,
    ...(text === undefined ? {} : { body: text }),
  })
  if (error === null) {
    return { status: response?.status ?? 200, retryAfter: null, value: await saidIn(data, response) }
  }
  const refused = (error as { readonly context?: Partial<Response> }).context
  if (!isResponse(refused) || refused.headers.get('x-relay-error') === 'true') throw error
  return answerOf(refused)
}

/** It gives text as text, JSON as what it says, and of other types a Blob or the response itself, which nobody has read. */
async function saidIn(data: unknown, response: Response | undefined): Promise<unknown> {
  if (typeof data === 'string') return parseBody(data)
  const isJson = response?.headers.get('content-type')?.startsWith('application/json') ?? true
  if (isJson) return data
  if (response?.bodyUsed === false) await response.body?.cancel()
  return NO_JSON
}

/** By what it can: a server in the same process may have put another `Response` in place of the platform's. */
function isResponse(given: Partial<Response> | undefined): given is Response {
  return typeof given?.text === 'function' && typeof given.status === 'number'
}

/** Its headers are not told, so that Retry-After is what the registry of refusals says. */
const callVerb: Send = async (supabase, { name, text = '{}' }, signal) => {
  const { data, error, status } = await supabase.rpc(name, JSON.parse(text)).abortSignal(signal)
  if (status === 0) throw error
  if (error === null) return { status, retryAfter: null, value: data ?? (status === 204 ? undefined : null) }
  return { status, retryAfter: null, value: status < 300 ? NO_JSON : error }
}
