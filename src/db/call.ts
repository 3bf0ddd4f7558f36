import pg from 'pg'
import type { Row, Runner, Setting } from './pool.ts'

/** In whose name a call is made. */
export interface Caller {
  readonly role: string
  /** JSON object as `auth.uid()` and its kin read it; it names the role too. */
  readonly claims: string
}

/** One call, which is one round trip and one transaction. */
export interface Call {
  readonly caller: Caller
  /** What is asked, without a semicolon; the rows of this statement are the answer. */
  readonly sql: string
  readonly readOnly?: boolean
  /** `serializable` and its kin; the server's default when absent. */
  readonly isolation?: string | undefined
  /** Set for this transaction, after the role's own. */
  readonly settings?: readonly Setting[]
}

/**
 * Runs one statement as `caller`. No BEGIN and no COMMIT: statements sent in one string are one transaction, so that
 * everything set here is gone when it ends, either way.
 */
export function call(database: Runner, request: Call): Promise<readonly Row[]> {
  const { caller, readOnly = false, settings = [] } = request
  const roleSettings = database.roleSettings(caller.role)
  const level = request.isolation ?? roleSettings.find(([name]) => name === ISOLATION)?.[1]
  let configs = rolePrefix(roleSettings, caller.role)
  configs += config('request.jwt.claims', caller.claims)
  for (const [name, value] of settings) configs += config(name, value)
  if (readOnly) configs += config('transaction_read_only', 'on')
  const statementTimeout = timeoutIn(settings) ?? timeoutIn(roleSettings)
  return database.run(`${isolation(level)}select length(''${configs});${request.sql}`, {
    readOnly,
    statementTimeout,
  })
}

function timeoutIn(settings: readonly Setting[]): string | undefined {
  return settings.find(([name]) => name === 'statement_timeout')?.[1]
}

/** A string literal that is safe in any statement. PostgreSQL has no NUL, so that one is refused here. */
export function literal(text: string): string {
  if (text.includes('\0')) throw new TypeError('a NUL character cannot be stored')
  if (!text.includes("'") && !text.includes('\\')) return `'${text}'`
  return pg.escapeLiteral(text)
}

/** A quoted name. */
export function identifier(name: string): string {
  if (name.includes('\0')) throw new TypeError('a NUL character cannot be in a name')
  return pg.escapeIdentifier(name)
}

/** Settings are joined into one short answer: their values need not travel back. */
function config(name: string, value: string): string {
  return `||set_config(${literal(name)},${literal(value)},true)`
}

/** Settings before the role, as the login may set what the role may not. Its list's identity is the cache's key. */
function rolePrefix(settings: readonly Setting[], role: string): string {
  const known = prefixes.get(settings)?.get(role)
  if (known !== undefined) return known
  let prefix = config('search_path', SEARCH_PATH)
  for (const [name, value] of settings) {
    if (name !== ISOLATION && name !== MESSAGES) prefix += config(name, value)
  }
  prefix += config(MESSAGES, 'warning')
  prefix += config('role', role)
  const byRole = prefixes.get(settings) ?? new Map<string, string>()
  prefixes.set(settings, byRole.size < ROLES_MAX ? byRole.set(role, prefix) : new Map([[role, prefix]]))
  return prefix
}

const SEARCH_PATH = 'public, extensions'
const ISOLATION = 'default_transaction_isolation'

/** A commit whose wait for the standby was cancelled says so by a warning, whatever role and login want to hear. */
const MESSAGES = 'client_min_messages'
const ROLES_MAX = 100
const prefixes = new WeakMap<readonly Setting[], Map<string, string>>()

/** The level must be set before the first query of a transaction. */
function isolation(level: string | undefined): string {
  if (level === undefined) return ''
  if (!LEVELS.has(level)) throw new TypeError(`no isolation level: ${level}`)
  return `set transaction isolation level ${level};`
}

const LEVELS = new Set(['serializable', 'repeatable read', 'read committed', 'read uncommitted'])
