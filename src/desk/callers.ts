import type { Caller } from '../db/call.ts'

/** In whose name the server itself works. */
export const SERVICE: Caller = { role: 'service_role', claims: '{"role":"service_role"}' }

/** Who shows no key and no token: a guest. */
export const ANON: Caller = { role: 'anon', claims: '{"role":"anon"}' }

/** The login of the connection itself, as which a command works: it may own what the service role may not read. */
export const LOGIN: Caller = { role: 'none', claims: '' }
