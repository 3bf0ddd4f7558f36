import { readFile, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { EmbeddedError, hasCode } from './errors.ts'

export interface Account {
  readonly uid: number
  readonly gid: number
}

/**
 * The account that PostgreSQL has to run as; undefined means the one this process has.
 * PostgreSQL refuses root, so root lends it the owner of the data, or else an account every system has.
 */
export async function accountFor(pgdata: string): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const owner = await ownerOf(pgdata)
  if (owner !== undefined && owner.uid !== 0) return owner
  return lentAccount(await readFile('/etc/passwd', 'utf8'))
}

async function ownerOf(path: string): Promise<Account | undefined> {
  try {
    const { uid, gid } = await stat(path)
    return { uid, gid }
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}

const lentNames = ['postgres', '_postgres', 'nobody']

export function lentAccount(passwd: string): Account {
  const entries = passwd.split('\n').map((line) => line.split(':'))
  for (const wanted of lentNames) {
    const [, , uid, gid] = entries.find(([name]) => name === wanted) ?? []
    if (Number(uid) > 0 && Number(gid) > 0) return { uid: Number(uid), gid: Number(gid) }
  }
  throw new EmbeddedError(
    'NO_RIGHTS',
    `PostgreSQL refuses to run as root, and /etc/passwd has none of ${lentNames.join(', ')} to run it as. ` +
      'Start admit-once as an ordinary user, or set DATABASE_URL.',
  )
}

/** Whether the account may pass through every folder down to `path`. Only mode bits count, ACLs do not. */
export async function canReach(path: string, account: Account): Promise<boolean> {
  const { mode, uid, gid } = await stat(path)
  const shift = uid === account.uid ? 6 : gid === account.gid ? 3 : 0
  if (((mode >> shift) & 1) === 0) return false
  return path === dirname(path) || canReach(dirname(path), account)
}
