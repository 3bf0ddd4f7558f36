/** A refusal in the database's own code and words, given before it is asked. */
export class SqlRefusal extends Error {
  readonly code: string
  readonly hint: string | null
  constructor(code: string, message: string, hint: string | null = null) {
    super(message)
    this.code = code
    this.hint = hint
  }
}

export function missingColumn(table: string, column: string, near: string | undefined): SqlRefusal {
  const hint = near === undefined ? null : `Perhaps you meant to reference the column "${table}.${near}".`
  return new SqlRefusal(MISSING_COLUMN, `column ${table}.${column} does not exist`, hint)
}

export const MISSING_COLUMN = '42703'
