import { json, type Reply } from './http.ts'

/** As the gateway before PostgREST and Supabase Auth answers who shows no key that it knows. */
export function keyRefusal(kind: 'no-key' | 'wrong-key'): Reply {
  return kind === 'no-key'
    ? json(401, {
        message: 'No API key found in request',
        hint: 'No `apikey` request header or url param was found.',
      })
    : json(401, { message: 'Invalid API key', hint: 'Double check your Supabase API key.' })
}
