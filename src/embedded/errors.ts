export type EmbeddedErrorCode =
  | 'FOLDER_IN_USE'
  | 'FOLDER_NOT_OURS'
  | 'NO_RIGHTS'
  | 'PORT_TAKEN'
  | 'START_FAILED'
  | 'UNSUPPORTED_PLATFORM'
  | 'WRONG_VERSION'

/** Why the embedded PostgreSQL could not be started or found. The message says what to do. */
export class EmbeddedError extends Error {
  override readonly name = 'EmbeddedError'
  readonly code: EmbeddedErrorCode

  constructor(code: EmbeddedErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

const forbidden = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST'])

/** Any failure as an EmbeddedError: refused by the file system is NO_RIGHTS, the unforeseen is START_FAILED. */
export function toEmbeddedError(error: unknown): EmbeddedError {
  if (error instanceof EmbeddedError) return error
  const { code, message, stack } = error as NodeJS.ErrnoException
  if (code !== undefined && forbidden.has(code)) {
    const advice = 'Choose a data folder that this account may write to, or set DATABASE_URL.'
    return new EmbeddedError('NO_RIGHTS', `The system refused: ${message}. ${advice}`, {
      cause: error,
    })
  }
  return new EmbeddedError('START_FAILED', `PostgreSQL was not started: ${stack ?? message}`, {
    cause: error,
  })
}

export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code))
}
