import { type Answer, parseBody } from './verdict.ts'

/** One call, in the same bytes at each attempt. */
export interface Call {
  readonly kind: 'function' | 'verb'
  readonly name: string
  readonly method: 'GET' | 'POST'
  /** The body as JSON; the fields of a GET stand in `query`. */
  readonly text: string | undefined
  /** With its question mark; empty where there is none. */
  readonly query: string
  readonly key: string | undefined
}

interface Attempt {
  readonly signal: AbortSignal
  /** From here on the server may have it. */
  onSend(): void
}

/** One attempt: throws where no answer came. */
export type Transport = (call: Call, attempt: Attempt) => Promise<Answer>

export interface FetchOptions {
  /** Where the server is, as `http://127.0.0.1:54321` or a Supabase project's URL. */
  readonly url: string
  /** The public key, which RPC needs and functions do not. */
  readonly apiKey?: string | undefined
  /** The user's token, asked for anew at each attempt; null for a guest. */
  readonly accessToken?: (() => Token | Promise<Token>) | undefined
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** The platform's own where it is absent. */
  readonly fetch?: typeof fetch | undefined
}

type Token = string | null | undefined

export function overFetch(options: FetchOptions): Transport {
  const base = new URL(options.url).href.replace(/\/+$/, '')
  const send = options.fetch ?? ((...args: Parameters<typeof fetch>) => fetch(...args))
  const always = new Headers(options.headers)
  if (options.apiKey !== undefined) always.set('apikey', options.apiKey)
  return async ({ kind, name, method, text, query, key }, { signal, onSend }) => {
    const token = await options.accessToken?.()
    const headers = new Headers(always)
    if (token) headers.set('authorization', `Bearer ${token}`)
    if (text !== undefined) headers.set('content-type', 'application/json')
    if (key !== undefined) headers.set('idempotency-key', key)
    // Its time may have been over before the token came.
    signal.throwIfAborted()
    onSend()
    const url = `${base}/${kind === 'function' ? 'functions/v1' : 'rest/v1/rpc'}/${name}${query}`
    const response = await send(url, {
      method,
      headers,
      signal,
      ...(text === undefined ? {} : { body: text }),
    })
    return answerOf(response)
  }
}

export async function answerOf(response: Response): Promise<Answer> {
  const { status, headers } = response
  return { status, retryAfter: headers.get('retry-after'), value: parseBody(await response.text()) }
}
