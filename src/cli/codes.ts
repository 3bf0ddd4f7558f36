import type pg from 'pg'
import { type CodeKey, type Codes, openCodes, publicKeyOf } from '../api/codes.ts'
import { callVault, SERVICE } from '../db/call.ts'
import type { Database } from '../db/pool.ts'
import { CommandError } from './failure.ts'

/**
 * The codes that a seed signs, whose public key is registered in the database where it is new; they learn there of other
 * servers' keys. Throws a CommandError for a key that was revoked.
 */
export async function serveCodes(seed: string, database: Database): Promise<Codes> {
  const registered = await callVault<Registered>(database, SERVICE, 'register_code_key', {
    p_public_key: publicKeyOf(seed),
  })
  const reload = () => callVault<readonly CodeKey[]>(database, SERVICE, 'list_code_keys')
  return openCodes({ seed, ...accepted(registered), reload })
}

/** The same for a command with a connection of its own. */
export async function signCodes(seed: string, client: pg.Client): Promise<Codes> {
  const { rows } = await client.query<{ answer: Registered }>(
    'select ticketing.register_code_key($1) as answer',
    [publicKeyOf(seed)],
  )
  return openCodes({ seed, ...accepted(rows[0]?.answer) })
}

type Registered =
  | { readonly success: true; readonly kid: number; readonly keys: readonly CodeKey[] }
  | { readonly success: false; readonly message: string }

function accepted(answer: Registered | undefined) {
  if (answer?.success === true) return answer
  throw new CommandError(`The key that signs tickets cannot be used: ${answer?.message} ${MEND}`)
}

const MEND =
  'Set TICKET_SIGNING_KEY to 32 other random bytes in base64url, or remove `ticket-key` from ADMIT_ONE_HOME: the next start makes another.'
