/**
 * A client for the functions and verbs of Admit Once, in browsers, Node and Deno, without dependencies. It tries again what is worth it:
 * refusals that say that nothing was done, and lost answers of what can be asked twice, under one idempotency key.
 */

import type { FunctionTypes } from './function-types.ts'
import { checkedKey, drawKey } from './key.ts'
import { FUNCTIONS, type FunctionName, type KeyedFunctionName, VERBS, type VerbName } from './operations.ts'
import { perform, policyOf, type Result, type RetryOptions } from './retry.ts'
import { overSupabase, type SupabaseClientLike } from './supabase.ts'
import { type Call, type FetchOptions, overFetch } from './transport.ts'
import type { VerbTypes } from './verb-types.ts'

export type { RefusalCode } from '../core/refusals.ts'
export { AdmitOnceError, type ErrorCode, type ErrorOutcome } from './error.ts'
export type { FunctionTypes } from './function-types.ts'
export { drawKey } from './key.ts'
export type { FunctionName, KeyedFunctionName, VerbName } from './operations.ts'
export type { Result, RetryOptions } from './retry.ts'
export type { SupabaseClientLike } from './supabase.ts'
export type { FetchOptions } from './transport.ts'
export type { VerbTypes } from './verb-types.ts'

/** Over `fetch`, or over a client of supabase-js with all that it was made with. */
export type ClientOptions = RetryOptions & (FetchOptions | { readonly supabase: SupabaseClientLike })

export interface CallOptions {
  /** Gives up, whatever it waits for. What was sent may have been done: `error.outcome` is `unknown` then. */
  readonly signal?: AbortSignal | undefined
}

export interface KeyedCallOptions extends CallOptions {
  /** One for each thing that is wanted once, such as a form; a fresh one where it is absent. 1 to 255 printable ASCII characters. */
  readonly idempotencyKey?: string | undefined
}

type OptionsOf<Name extends FunctionName> = Name extends KeyedFunctionName ? KeyedCallOptions : CallOptions

/** What has no fields of which one must be there may be left out. */
type Asked<Given, Options> =
  Record<never, never> extends Given ? [given?: Given, options?: Options] : [given: Given, options?: Options]

export interface Client {
  /** Asks a function, with its body. Rejects only for a body that cannot be JSON and for a key that cannot be one. */
  call<Name extends FunctionName>(
    name: Name,
    ...asked: Asked<FunctionTypes[Name]['body'], OptionsOf<Name>>
  ): Promise<Result<FunctionTypes[Name]['answer']>>
  /** Asks a verb that has a door, as `supabase.rpc` does. What it refuses is an error here. */
  rpc<Name extends VerbName>(
    name: Name,
    ...asked: Asked<VerbTypes[Name]['args'], CallOptions>
  ): Promise<Result<VerbTypes[Name]['answer']>>
}

export function createClient(options: ClientOptions): Client {
  const policy = policyOf(options)
  const transport = 'supabase' in options ? overSupabase(options.supabase) : overFetch(options)
  return {
    call: async (name, body = {}, { signal, idempotencyKey }: KeyedCallOptions = {}) => {
      const { method, repetition } = FUNCTIONS[name]
      const key = repetition === 'keyed' ? checkedKey(idempotencyKey ?? drawKey()) : undefined
      const call: Call = { kind: 'function', name, method, key, ...written(method, body) }
      const result = await perform(transport, { call, returns: 'object', repetition, signal }, policy)
      return result as Result<FunctionTypes[typeof name]['answer']>
    },
    rpc: async (name, args = {}, { signal }: CallOptions = {}) => {
      const { returns, repetition } = VERBS[name]
      const call: Call = { kind: 'verb', name, method: 'POST', key: undefined, ...written('POST', args) }
      const result = await perform(transport, { call, returns, repetition, signal }, policy)
      return result as Result<VerbTypes[typeof name]['answer']>
    },
  }
}

/** Written once, before the first attempt: what cannot be written throws at once, and what changes meanwhile changes nothing. */
function written(method: Call['method'], body: object): Pick<Call, 'text' | 'query'> {
  if (method === 'POST') return { text: JSON.stringify(body), query: '' }
  const fields = Object.entries(body).filter(([, value]) => value !== undefined && value !== null)
  const query = new URLSearchParams(fields.map(([name, value]) => [name, String(value)])).toString()
  return { text: undefined, query: query === '' ? '' : `?${query}` }
}
