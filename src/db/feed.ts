import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type pg from 'pg'
import { LogicalReplicationService, type Pgoutput, PgoutputPlugin } from 'pg-logical-replication'
import { openHosts } from './connection.ts'
import type { Database } from './pool.ts'

/** A row that a transaction wrote, its values as PostgreSQL writes them in text. */
export interface Change {
  readonly schema: string
  readonly table: string
  readonly type: 'INSERT' | 'UPDATE' | 'DELETE'
  readonly columns: readonly string[]
  readonly keyNames: readonly string[]
  /** Undefined values were not written, because they were not changed. */
  readonly record: Values | undefined
  /** Of an update or a deletion: the key, or the whole row where its replica identity is full. */
  readonly old: Values | undefined
  /** ISO 8601. */
  readonly committedAt: string
  /** The transaction's, 32 bits. */
  readonly xid: number
}

export type Values = Readonly<Record<string, string | null | undefined>>

export interface FeedListener {
  /** From now on no commit is missed. */
  ready(): void
  /** All that one transaction wrote. */
  commit(changes: readonly Change[]): void
  /** Commits are missed until `ready` comes again. */
  lost(reason: string): void
}

export interface Feed {
  stop(): Promise<void>
}

const PUBLICATION = 'supabase_realtime'
/** Values as text in one form, whatever the server's own is. */
const TEXT_FORMS = '-c timezone=UTC -c datestyle=ISO -c intervalstyle=postgres -c extra_float_digits=1'
const RETRY_MS_MIN = 250
const RETRY_MS_MAX = 5_000
const ACKNOWLEDGE_SECONDS = 2

/** Why there can be no feed, with what to do about it; undefined where there can. */
export async function feedObstacle(database: Pick<Database, 'run'>): Promise<string | undefined> {
  const rows = await database.run(
    `select current_setting('wal_level'),
       (select r.rolreplication or r.rolsuper from pg_roles r where r.rolname = session_user)::text,
       exists (select from pg_publication p where p.pubname = '${PUBLICATION}')::text`,
  )
  const [level, mayReplicate, isPublished] = rows[0] ?? []
  if (level !== 'logical') return `wal_level is ${level}: set it to logical and restart PostgreSQL`
  if (mayReplicate !== 'true') return 'the login may not replicate: alter role … replication'
  return isPublished === 'true' ? undefined : `there is no publication ${PUBLICATION}: run admit-once migrate`
}

/**
 * Change data capture: follows the publication through a temporary slot, which PostgreSQL drops with the connection, so that nobody
 * who is gone keeps its WAL. Connects again, with pauses that grow, until it is stopped.
 */
export function openFeed(url: string, listener: FeedListener): Feed {
  const hosts = openHosts(url)
  let service: LogicalReplicationService | undefined
  const stopping = new AbortController()
  let pauseMs = RETRY_MS_MIN

  const follow = async () => {
    const connectionString = hosts.url()
    const current = new LogicalReplicationService(
      { connectionString, application_name: 'admit-once realtime', keepAlive: true, options: TEXT_FORMS },
      { acknowledge: { auto: false, timeoutSeconds: ACKNOWLEDGE_SECONDS } },
    )
    service = current
    let reason = 'the connection ended'
    current.on('error', (error: Error) => {
      reason = error.message
    })
    current.on('start', () => {
      if (stopping.signal.aborted) void current.destroy()
      pauseMs = RETRY_MS_MIN
      listener.ready()
    })
    const collect = collector(listener)
    current.on('data', (_lsn: string, message: Pgoutput.Message) => collect(message))
    const slot = `admit_once_${randomUUID().replaceAll('-', '')}`
    await current.subscribe(new TemporarySlot(), slot).catch((error: Error) => {
      reason = error.message
    })
    await current.destroy().catch(() => undefined)
    if (stopping.signal.aborted) return
    hosts.leave(connectionString)
    listener.lost(reason)
  }

  const running = (async () => {
    while (!stopping.signal.aborted) {
      await follow()
      if (stopping.signal.aborted) return
      await delay(pauseMs, undefined, { signal: stopping.signal }).catch(() => undefined)
      pauseMs = Math.min(pauseMs * 2, RETRY_MS_MAX)
    }
  })()

  return {
    stop: async () => {
      stopping.abort()
      await service?.destroy().catch(() => undefined)
      await running
    },
  }
}

/** The slot belongs to the connection that reads it, and its values stay text. */
class TemporarySlot extends PgoutputPlugin {
  constructor() {
    super({ protoVersion: 1, publicationNames: [PUBLICATION] })
  }

  override async start(client: pg.Client, slot: string, _lastLsn: string): Promise<pg.QueryResult> {
    await client.query(`CREATE_REPLICATION_SLOT "${slot}" TEMPORARY LOGICAL pgoutput NOEXPORT_SNAPSHOT`)
    return super.start(client, slot, '0/0')
  }

  override parse(buffer: Buffer): Pgoutput.Message {
    const message = super.parse(buffer)
    if (message.tag === 'relation') for (const column of message.columns) column.parser = (text) => text
    return message
  }
}

/** Gathers what one transaction wrote. */
function collector(listener: FeedListener): (message: Pgoutput.Message) => void {
  let changes: Change[] = []
  let commit = { committedAt: '', xid: 0 }
  return (message) => {
    switch (message.tag) {
      case 'begin':
        changes = []
        commit = {
          committedAt: new Date(Number(message.commitTime) / 1000).toISOString(),
          xid: message.xid >>> 0,
        }
        return
      case 'insert':
        changes.push({
          ...placeOf(message.relation),
          type: 'INSERT',
          record: message.new,
          old: undefined,
          ...commit,
        })
        return
      case 'update': {
        const old = message.old ?? message.key ?? keyOf(message.relation, message.new)
        changes.push({ ...placeOf(message.relation), type: 'UPDATE', record: message.new, old, ...commit })
        return
      }
      case 'delete': {
        const old = message.old ?? message.key ?? undefined
        changes.push({ ...placeOf(message.relation), type: 'DELETE', record: undefined, old, ...commit })
        return
      }
      case 'commit':
        if (changes.length > 0) listener.commit(changes)
        changes = []
        return
    }
  }
}

function placeOf({ schema, name, columns, keyColumns }: Pgoutput.MessageRelation) {
  return { schema, table: name, columns: columns.map((column) => column.name), keyNames: keyColumns }
}

function keyOf({ keyColumns }: Pgoutput.MessageRelation, row: Values): Values {
  return Object.fromEntries(keyColumns.map((name) => [name, row[name]]))
}
