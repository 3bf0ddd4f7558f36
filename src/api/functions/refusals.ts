import { DATABASE_CONDITIONS } from '../../core/database-conditions.ts'
import type { RefusalCode } from '../../core/refusals.ts'
import type { EdgeFunction } from './contract.ts'

/** Every code that a function may refuse with: its own, its head's, and those of any request. */
export function refusalsOf({ refusals, needs }: EdgeFunction): readonly RefusalCode[] {
  const byHead: readonly RefusalCode[] = needs === undefined ? [] : ['UNAUTHORIZED']
  return [...new Set([...refusals, ...byHead, ...ANY])]
}

/** Whatever is asked: a bad head or body, no place free, the state of the database, a bug of ours. */
const ANY: readonly RefusalCode[] = [
  'INVALID_REQUEST',
  'PAYLOAD_TOO_LARGE',
  'TOO_MANY_REQUESTS',
  'SERVER_BUSY',
  'LOCK_TIMEOUT',
  'FORBIDDEN',
  'INTERNAL_ERROR',
  ...Object.values(DATABASE_CONDITIONS).map(({ answer }) => answer),
]
