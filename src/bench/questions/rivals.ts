import { type PgbenchScript, pgbenchContestant, WARM_UP_SECONDS } from '../pgbench.ts'
import type { BenchDatabase, Contestant, Ledger, World } from '../question.ts'

/** Other ways to hold a place of one tier, in tables of their own: what people write, and the least that PostgreSQL can do. */
export interface Rival extends Pick<PgbenchScript, 'name' | 'label' | 'clients' | 'sql' | 'retries'> {
  /** Fills what a window needs for its tier, `$1`, of `$2` seconds. */
  readonly opens: string
  /** What was held of the tiers from `$1` to `$2`: `rows`, and a `counter` where there is one. */
  readonly counts: string
}

const SCHEMA = `
  create schema rival;
  create table rival.tier (id integer primary key, total integer not null, held integer not null default 0,
    check (held between 0 and total));
  create table rival.shard (tier_id integer not null, shard integer not null, total integer not null,
    held integer not null default 0, primary key (tier_id, shard), check (held between 0 and total));
  create table rival.place (id bigint generated always as identity primary key, tier_id integer not null,
    is_held boolean not null default false);
  create index on rival.place (tier_id, id) where not is_held;
  create table rival.hold (id bigint generated always as identity primary key, tier_id integer not null references rival.tier,
    session_id uuid not null default gen_random_uuid(), expires_at timestamptz not null default now() + interval '15 minutes');
  create index on rival.hold (tier_id);
  create table rival.sharded_hold (like rival.hold including all);`

/** Never sold out. */
const TOTAL = 1_000_000_000
const SHARDS = 16
/** More than any window takes of the rows that are there before: a window that ran out would not add up. */
const PLACES_PER_SECOND = 30_000

const TIER = `insert into rival.tier (id, total) select $1::integer, ${TOTAL} where $2::integer > 0`
const IN_TIERS = 'tier_id between $1 and $2'
const TIERS_AND_HOLDS = `select (select count(*) from rival.hold where ${IN_TIERS})::int as rows,
  (select sum(held) from rival.tier where id between $1 and $2)::int as counter`

const BARE = {
  sql: 'update rival.tier set held = held + 1 where id = :tier and held < total;',
  opens: TIER,
  counts: 'select sum(held)::int as rows from rival.tier where id between $1 and $2',
} as const

export const RIVALS: readonly Rival[] = [
  { name: 'bare_update_2', label: 'bare UPDATE, 2 clients', clients: 2, ...BARE },
  { name: 'bare_update_50', label: 'bare UPDATE, 50 clients', clients: 50, ...BARE },
  {
    name: 'insert_then_update_50',
    label: 'insert, UPDATE, 50 clients',
    clients: 50,
    sql: `begin;
insert into rival.hold (tier_id) values (:tier);
update rival.tier set held = held + 1 where id = :tier and held < total;
end;`,
    opens: TIER,
    counts: TIERS_AND_HOLDS,
  },
  {
    name: 'skip_locked_50',
    label: 'SKIP LOCKED, 50 clients',
    clients: 50,
    sql: `update rival.place set is_held = true where id = (select id from rival.place where tier_id = :tier and not is_held
order by id limit 1 for update skip locked);`,
    opens: `insert into rival.place (tier_id) select $1::integer from generate_series(1, ${PLACES_PER_SECOND} * $2::integer)`,
    counts: `select count(*)::int as rows from rival.place where ${IN_TIERS} and is_held`,
  },
  {
    name: 'shards_50',
    label: `${SHARDS} shards, 50 clients`,
    clients: 50,
    sql: `\\set shard random(1, ${SHARDS})
with one as (update rival.shard set held = held + 1 where tier_id = :tier and shard = :shard and held < total returning tier_id)
insert into rival.sharded_hold (tier_id) select tier_id from one;`,
    opens: `insert into rival.shard (tier_id, shard, total)
      select $1::integer, n, ${TOTAL} / ${SHARDS} from generate_series(1, ${SHARDS}) n where $2::integer > 0`,
    counts: `select (select count(*) from rival.sharded_hold where ${IN_TIERS})::int as rows,
      (select sum(held) from rival.shard where ${IN_TIERS})::int as counter`,
  },
  {
    name: 'serializable_50',
    label: 'SERIALIZABLE, 50 clients',
    clients: 50,
    retries: true,
    sql: `begin isolation level serializable;
insert into rival.sharded_hold (tier_id) select :tier
where (select count(*) from rival.sharded_hold where tier_id = :tier) < ${TOTAL};
end;`,
    opens: TIER,
    counts: `select count(*)::int as rows from rival.sharded_hold where ${IN_TIERS}`,
  },
]

/** Each rival has this many tiers, one a window. */
const TIERS_EACH = 1_000

export async function openRivals(
  world: World,
  database: BenchDatabase,
): Promise<{ readonly contestants: readonly Contestant[]; readonly ledgers: readonly Ledger[] }> {
  await database.client.query(SCHEMA)
  const all = await Promise.all(RIVALS.map((rival, at) => openRival(world, database, rival, at * TIERS_EACH)))
  return { contestants: all.map(([one]) => one), ledgers: all.map(([, ledger]) => ledger) }
}

async function openRival(
  world: World,
  { url, client }: BenchDatabase,
  { opens, counts, ...script }: Rival,
  first: number,
): Promise<[Contestant, Ledger]> {
  const tierOf = (round: number) => first + round + 1
  const contestant = await pgbenchContestant(world, url, {
    ...script,
    defines: ({ round }) => ({ tier: String(tierOf(round)) }),
    prepare: async ({ round, seconds }) => {
      await client.query(opens, [tierOf(round), seconds + WARM_UP_SECONDS])
    },
  })
  const count = async () => {
    const { rows } = await client.query<{ rows: number; counter?: number }>(counts, [
      first,
      first + TIERS_EACH - 1,
    ])
    return rows[0] ?? { rows: -1 }
  }
  return [contestant, { label: script.label, of: [script.name], count }]
}
