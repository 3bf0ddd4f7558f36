import { closeSync, openSync, statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'

export interface Lock {
  release(): void
}

/**
 * Holds the file until released; undefined when another process holds it.
 * Node has no flock. SQLite's lock on a file is the kernel's own: it falls with its process, however that dies.
 */
export function tryLock(path: string): Lock | undefined {
  closeSync(openSync(path, 'a', 0o600))
  const before = inode(path)
  const file = new DatabaseSync(path)
  // The last holder of an ephemeral folder removes the file: a lock on a file without a name holds nothing.
  if (lockWhole(file) && inode(path) === before) return { release: () => file.close() }
  file.close()
  return undefined
}

const SQLITE_BUSY = 5

function lockWhole(file: DatabaseSync): boolean {
  try {
    // No journal file beside it: there is nothing in the file.
    file.exec('pragma journal_mode = memory; begin exclusive')
    return true
  } catch (error) {
    if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY) return false
    throw error
  }
}

function inode(path: string): bigint | undefined {
  return statSync(path, { bigint: true, throwIfNoEntry: false })?.ino
}
