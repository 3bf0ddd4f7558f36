/** What a command ends with when it could not run. `prove` also has 1 for FAIL and 2 for INCONCLUSIVE. */
export const COULD_NOT_RUN = 3

/** An error that a command explains by itself: its message says what to do, a stack would only hide that. */
export class CommandError extends Error {
  readonly code = 'COMMAND_FAILED'
}

/** Errors with a code have a message for people; a bug, in itself or behind such an error, shows its stack. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (!isNamed(error)) return error.stack ?? error.message
  const { cause } = error
  return cause instanceof TypeError || cause instanceof ReferenceError
    ? `${error.message}\n${cause.stack}`
    : `${error.message}${hintOf(error)}`
}

function isNamed(error: Error): boolean {
  return 'code' in error && typeof error.code === 'string'
}

/** What PostgreSQL advises beside its message, or what is to be done about it as far as a code alone tells. */
function hintOf(error: Error): string {
  if ('hint' in error && typeof error.hint === 'string') return `\n${error.hint}`
  const advice = 'code' in error ? ADVICE[String(error.code)] : undefined
  return advice === undefined ? '' : `\n${advice}`
}

const OTHER_FOLDER = 'Name a file or folder that this account may use.'

/** By SQLSTATE, or by the system's own code; only for messages that do not say what to do. */
const ADVICE: Readonly<Record<string, string>> = {
  '42501':
    "The user in DATABASE_URL has no right to do that. Use the database's owner; what makes roles or databases (the first `migrate`, `prove`) needs CREATEROLE and CREATEDB, or a superuser.",
  EACCES: OTHER_FOLDER,
  EPERM: OTHER_FOLDER,
  EROFS: OTHER_FOLDER,
  ENOTDIR: 'A file stands where a folder is needed. Name another.',
  EEXIST: 'A file stands where a folder is needed. Name another.',
  EISDIR: 'A folder stands where a file is needed. Name another.',
  ENOENT: 'Name a file or folder that can be made there.',
  ENOSPC: 'The disk is full. Make room, or name a folder on another.',
}
