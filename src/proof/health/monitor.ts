import { setTimeout as pause } from 'node:timers/promises'
import type { Client } from 'pg'
import type { DatabaseHealth } from '../measures.ts'
import type { RunDatabase } from '../run-databases.ts'

const SAMPLE_EVERY_MS = 250
const STATEMENT_CHARACTERS_MAX = 200

/** What PostgreSQL says of itself while `work` goes on: sampling on a connection of its own, before it, during it and after it. */
export async function watchDatabase<T>(
  database: RunDatabase,
  work: () => Promise<T>,
): Promise<readonly [T, DatabaseHealth]> {
  const [client] = await database.connect(1)
  if (client === undefined) throw new Error('no connection')
  const done = new AbortController()
  const samples = watch(client, done.signal)
  // Its error is thrown where it is awaited, below.
  samples.catch(() => undefined)
  try {
    const result = await work()
    done.abort()
    return [result, summarize(await samples)]
  } finally {
    done.abort()
    await samples.catch(() => undefined)
    await client.end()
  }
}

async function watch(client: Client, done: AbortSignal): Promise<readonly Sample[]> {
  const samples = [await take(client)]
  while (!done.aborted) {
    // The last sample is taken when the work is done, not up to a pause later.
    await pause(SAMPLE_EVERY_MS, undefined, { signal: done }).catch(() => undefined)
    samples.push(await take(client))
  }
  return samples
}

async function take(client: Client): Promise<Sample> {
  const [sample] = (await client.query<Sample>(SAMPLE)).rows
  if (sample === undefined) throw new Error('PostgreSQL gave no row about its sessions')
  return sample
}

interface Sample extends Omit<DatabaseHealth, 'samples' | 'lockWaitsMax'> {
  readonly lockWaits: number
}

/** Without the comment that names its request. */
const SHOWN = `left(regexp_replace(query, '^\\s*/\\*.*?\\*/\\s*', ''), ${STATEMENT_CHARACTERS_MAX})`

/** Without the monitor itself. Statements of other databases of the server are nothing of the run's; connections are shared by all. */
const SAMPLE = `with sessions as (
    select * from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()
  ), here as (
    select *, clock_timestamp() as at from sessions where datname = current_database()
  ), waiting as (
    select here.query, greatest(0, extract(epoch from at - coalesce(l.waitstart, at)) * 1000)::float as ms
    from pg_locks l join here on here.pid = l.pid where not l.granted
  )
  select
    (select json_build_object('ms', greatest(0, extract(epoch from at - query_start) * 1000), 'statement', ${SHOWN})
      from here where state = 'active' order by query_start limit 1) as statement,
    (select json_build_object('ms', ms, 'statement', ${SHOWN}) from waiting order by ms desc limit 1) as "lockWait",
    (select count(*)::int from waiting) as "lockWaits",
    (select deadlocks::int from pg_stat_database where datname = current_database()) as deadlocks,
    (select count(*)::int from sessions) as "connectionsMax",
    (select count(*)::int from sessions where application_name = 'pgbench') as "generatorConnections",
    current_setting('max_connections')::int as "connectionsAllowed",
    greatest(coalesce((select extract(epoch from max(at - xact_start)) * 1000 from here), 0),
      coalesce((select extract(epoch from max(clock_timestamp() - prepared)) * 1000 from pg_prepared_xacts
        where database = current_database()), 0))::float as "oldestTransactionMs",
    coalesce((select max(age(backend_xmin)) from here), 0)::int as "oldestSnapshotXids"`

/** Of each figure the worst; of deadlocks how many came in between. */
function summarize(samples: readonly Sample[]): DatabaseHealth {
  const most = (figure: (sample: Sample) => number) => Math.max(0, ...samples.map(figure))
  const busiest = samples.toSorted((a, b) => b.connectionsMax - a.connectionsMax)[0]
  return {
    samples: samples.length,
    statement: longest(samples.map(({ statement }) => statement)),
    lockWait: longest(samples.map(({ lockWait }) => lockWait)),
    lockWaitsMax: most(({ lockWaits }) => lockWaits),
    deadlocks: (samples.at(-1)?.deadlocks ?? 0) - (samples[0]?.deadlocks ?? 0),
    connectionsMax: busiest?.connectionsMax ?? 0,
    generatorConnections: busiest?.generatorConnections ?? 0,
    connectionsAllowed: busiest?.connectionsAllowed ?? 0,
    oldestTransactionMs: most(({ oldestTransactionMs }) => oldestTransactionMs),
    oldestSnapshotXids: most(({ oldestSnapshotXids }) => oldestSnapshotXids),
  }
}

function longest(found: readonly DatabaseHealth['statement'][]): DatabaseHealth['statement'] {
  return found.reduce((most, one) => ((one?.ms ?? -1) > (most?.ms ?? -1) ? one : most), null)
}
