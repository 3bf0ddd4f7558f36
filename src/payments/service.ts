import type { Caller } from '../db/call.ts'

/** In whose name the server itself works. */
export const SERVICE: Caller = { role: 'service_role', claims: '{"role":"service_role"}' }
