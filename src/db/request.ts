import { AsyncLocalStorage } from 'node:async_hooks'

/** Correlation id: whose request the statements are sent for. */
const current = new AsyncLocalStorage<string>()

/** Everything that `work` sends to the database names this request. */
export function inRequest<Result>(id: string, work: () => Result): Result {
  return current.run(id, work)
}

/**
 * A comment for the beginning of a string of statements, where pg_stat_activity shows it however long the rest is; PostgreSQL counts
 * statements without their comments. Nothing outside a request, and for an id that could end the comment.
 */
export function requestComment(): string {
  const id = current.getStore()
  return id !== undefined && PLAIN.test(id) ? `/*request=${id}*/` : ''
}

const PLAIN = /^[\w-]{1,128}$/
