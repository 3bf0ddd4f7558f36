import type pg from 'pg'
import { connect } from './connection.ts'
import { DatabaseError } from './failures.ts'

/** How long the question whether a late connection lives may take, and how often it is asked. */
const ASK_MS_MAX = 3_000
const ASK_EVERY_MS = 10_000

/**
 * A connection whose call is late, until it is fit for another call (true) or worth nothing (false). One whose commit waits for
 * its standby is kept: PostgreSQL would not notice that it was closed, and with a new one in its place each time the server
 * would soon have no connection left. Any other is dead, or its answer is of no use any more.
 */
export async function outlast(
  url: string,
  client: pg.ClientBase,
  answer: Promise<unknown>,
  closing: AbortSignal,
): Promise<boolean> {
  const answered = answer.then(
    () => true,
    () => false,
  )
  while (!closing.aborted && (await waitsForStandby(url, client))) {
    const ended = await firstOf(answered, closing)
    if (ended !== undefined) return ended
  }
  return false
}

function firstOf(answered: Promise<boolean>, closing: AbortSignal): Promise<boolean | undefined> {
  return new Promise((resolve) => {
    const end = (ended: boolean | undefined) => {
      clearTimeout(timer)
      closing.removeEventListener('abort', stop)
      resolve(ended)
    }
    const stop = () => end(false)
    const timer = setTimeout(() => end(undefined), ASK_EVERY_MS)
    closing.addEventListener('abort', stop)
    void answered.then(end)
  })
}

/**
 * Asked on a connection of its own. A server without one to spare lives: then the connection is not wasted either. A pooler gives
 * its clients process numbers that PostgreSQL does not know: there one of the same pool that waits speaks for all.
 */
async function waitsForStandby(url: string, client: pg.ClientBase): Promise<boolean> {
  const { processID, connectionParameters } = client as pg.ClientBase & Known
  try {
    const asking = await connect(url, { application_name: 'admit-once late', query_timeout: ASK_MS_MAX })
    try {
      const { rowCount } = await asking.query(
        `with sessions as (select pid, application_name, wait_event from pg_catalog.pg_stat_activity)
          select from sessions s where s.wait_event = 'SyncRep'
            and (s.pid = $1 or s.application_name = $2 and not exists (select from sessions where pid = $1))`,
        [processID, connectionParameters.application_name],
      )
      return rowCount !== 0
    } finally {
      void asking.end().catch(() => undefined)
    }
  } catch (error) {
    return error instanceof DatabaseError && error.code === 'CONNECTIONS_USED_UP'
  }
}

/** What the driver knows of a connection and its types do not. */
interface Known {
  readonly processID: number
  readonly connectionParameters: { readonly application_name: string }
}
