import type { RefusalCode } from './refusals.ts'

/** What can be wrong with a database that was right when the server started. */
export interface DatabaseCondition {
  /** How it is seen. */
  readonly seen: string
  /** SQLSTATEs that say so; none where it is seen otherwise. */
  readonly states: readonly string[]
  /** What callers of functions and pages get; RPC gets PostgREST's code, with this one in its hint. */
  readonly answer: RefusalCode
  /** What an operator can do, for the log. */
  readonly advice: string
  /** How it ends. */
  readonly recovery: string
}

/**
 * Registry of conditions: one table of what is answered, what is logged and how it ends. Health checks answer the same codes.
 * None of them ends the server, and none is stored under an idempotency key: who asks again with the same key learns what
 * became of the first call.
 */
export const DATABASE_CONDITIONS = {
  UNREACHABLE: {
    seen: 'no host of DATABASE_URL takes a connection, or none within 5 s; PgBouncer has none to PostgreSQL',
    states: ['57P03'],
    answer: 'DATABASE_UNREACHABLE',
    advice: 'start PostgreSQL, or look at the network between it and this server',
    recovery: 'the next call connects, to whichever host answers',
  },
  CONNECTION_LOST: {
    seen: 'a backend, the postmaster or a proxy died under a call',
    states: [],
    answer: 'COMMIT_UNCONFIRMED',
    advice: "look at PostgreSQL's log",
    recovery:
      'the connection is thrown away; the next call opens another, and tells under the same key what became of this one',
  },
  TIMED_OUT: {
    seen: 'no answer 2 s after the statement timeout (8 s), or to a new connection within 5 s: packets vanish, PgBouncer lets wait, or the commit waits for a standby that is gone',
    states: [],
    answer: 'DATABASE_TIMEOUT',
    advice:
      'look at the network, at SHOW POOLS of PgBouncer, and at pg_stat_replication where commits wait for a standby',
    recovery:
      'all connections from before are thrown away, but for those whose commit waits for a standby: they end with it',
  },
  READ_ONLY: {
    seen: 'the server is a standby (in recovery) or refuses writes',
    states: ['25006'],
    answer: 'DATABASE_READ_ONLY',
    advice: 'promote it, or name the primary in DATABASE_URL; several hosts are tried in turn',
    recovery:
      'all connections from before are thrown away; the next call asks each host for one that takes writes',
  },
  CONNECTIONS_USED_UP: {
    seen: 'PostgreSQL has no connection left, or PgBouncer gives none',
    states: ['53300'],
    answer: 'DATABASE_BUSY',
    advice:
      'raise max_connections, or end what holds the connections (pg_stat_activity); of PgBouncer max_client_conn and default_pool_size',
    recovery: 'the next call connects',
  },
  DISK_FULL: {
    seen: 'the disk of the database is full, or does not take what is written',
    states: ['53100', '58030'],
    answer: 'DATABASE_FULL',
    advice: 'make room on the disk of PostgreSQL',
    recovery: 'the next call writes; health says ok 5 s after the last that could not',
  },
  COMMIT_UNCONFIRMED: {
    seen: 'a wait for the synchronous standby was cancelled: the commit is on the primary alone',
    states: [],
    answer: 'COMMIT_UNCONFIRMED',
    advice: 'do not cancel commits; change synchronous_standby_names where a standby is gone for good',
    recovery: 'who asks again with the same key is answered when the standby has it',
  },
  POOL_EXHAUSTED: {
    seen: "all of a lane's connections were busy for 10 s",
    states: [],
    answer: 'SERVER_BUSY',
    advice: 'more is asked of the database than it does: look for slow statements and locks',
    recovery: 'the next free connection',
  },
} as const satisfies Readonly<Record<string, DatabaseCondition>>

export type DatabaseConditionName = keyof typeof DATABASE_CONDITIONS

export function isDatabaseCondition(name: string): name is DatabaseConditionName {
  return Object.hasOwn(DATABASE_CONDITIONS, name)
}

export function databaseCondition(name: DatabaseConditionName): DatabaseCondition {
  return DATABASE_CONDITIONS[name]
}

/** The condition that a SQLSTATE names. */
export function conditionOfState(state: string): DatabaseConditionName | undefined {
  return byState.get(state)
}

const byState = new Map<string, DatabaseConditionName>()
for (const [name, { states }] of Object.entries(DATABASE_CONDITIONS)) {
  for (const state of states) byState.set(state, name as DatabaseConditionName)
}
