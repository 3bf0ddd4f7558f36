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

/** What PostgreSQL advises beside its message. */
function hintOf(error: Error): string {
  return 'hint' in error && typeof error.hint === 'string' ? `\n${error.hint}` : ''
}
