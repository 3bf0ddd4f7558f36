import type pg from 'pg'
import { type CodeSigner, openCodeSigner, publicKeyOf } from '../api/code-signer.ts'
import type { Log } from '../core/log.ts'
import { type Database, runOnClient } from '../db/pool.ts'
import { LOGIN, SERVICE } from '../desk/callers.ts'
import { listCodeKeys, REVOKE_BY_HAND, registerCodeKey } from '../desk/keys.ts'
import { loop } from '../jobs/loop.ts'
import { CommandError } from './failure.ts'

/** A signer that learns of other servers' keys as long as it is served. */
export interface ServedSigner {
  readonly codes: CodeSigner
  /** Nobody has signed with this key before. */
  readonly isNew: boolean
  stop(): Promise<void>
}

/**
 * The codes that a seed signs, whose public key is registered in the database where it is new. Throws a CommandError for a
 * key that was revoked; one that is revoked later is said in the log.
 */
export async function serveSigner(seed: string, database: Database, log: Log): Promise<ServedSigner> {
  const registered = await registerCodeKey(database, SERVICE, { public_key: publicKeyOf(seed) })
  const reload = () => listCodeKeys(database, SERVICE, {})
  const { kid, keys, is_new } = requireAccepted(registered)
  const codes = openCodeSigner({ seed, kid, keys, reload })
  let isLogged = false
  const look = async () => {
    await codes.refresh()
    if (codes.isRevoked && !isLogged) log('error', 'signing_key_revoked', { kid, next: REVOKED })
    isLogged = codes.isRevoked
    return false
  }
  const looking = loop(LOOK_EVERY_MS, look, (error) =>
    log('warn', 'job_failed', { job: 'look for revoked keys', error: String(error) }),
  )
  return { codes, isNew: is_new, stop: looking.stop }
}

/** For so long after its key was revoked a server may still sell. */
const LOOK_EVERY_MS = 2_000

/** The same for a command with a connection of its own. */
export async function openSigner(seed: string, client: pg.Client): Promise<CodeSigner> {
  const registered = await registerCodeKey(runOnClient(client), LOGIN, { public_key: publicKeyOf(seed) })
  const { kid, keys } = requireAccepted(registered)
  return openCodeSigner({ seed, kid, keys })
}

function requireAccepted(answer: Awaited<ReturnType<typeof registerCodeKey>>) {
  if (answer.success) return answer
  const mend = answer.code === 'KEYS_EXHAUSTED' ? EXHAUSTED : REVOKED
  throw new CommandError(`The key that signs tickets cannot be used: ${answer.message} ${mend}`)
}

const REVOKED =
  'Set TICKET_SIGNING_KEY to 32 other random bytes in base64url, or remove `ticket-key` from ADMIT_ONCE_HOME, and start: that makes another.'
const EXHAUSTED = `Revoke one that no guest shows any more, such as the oldest, \`${REVOKE_BY_HAND}\`: its number is given again. Then set TICKET_SIGNING_KEY, or keep ADMIT_ONCE_HOME, so that not every start needs a number.`
