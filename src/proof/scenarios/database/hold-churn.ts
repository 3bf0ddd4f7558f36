import type { Check } from '../../results.ts'
import type { DatabaseScenario } from './scenario.ts'

/** Holds of others, which become due one after the other while the load lasts. */
const DUE = 200

export const holdChurn: DatabaseScenario = {
  name: 'hold-churn',
  story:
    'Eight sessions hold, extend and give back at once, while other holds end: one each, none too early.',
  scripts: [{ file: 'database-tests/pgbench-holds.sql', weight: 1 }],
  size: 'churn',
  maxTries: 1,
  stock: 100_000,
  prepare: async (client, tierId, seconds) => {
    await client.query(
      `insert into ticket_holds (event_id, tier_id, session_id, quantity, expires_at)
       select t.event_id, t.id, 'due ' || n, 1, clock_timestamp() + make_interval(secs => $2::float * n / ${DUE})
       from ticket_tiers t, generate_series(1, ${DUE}) n where t.id = $1`,
      [tierId, seconds],
    )
  },
  judge: async (client, tierId, load) => {
    // What came due in the last moment.
    await client.query('select expire_ticket_holds(100000)')
    const [seen] = (await client.query<Seen>(SEEN, [tierId])).rows
    if (seen === undefined) throw new Error('a count gives one row')
    return {
      checks: [
        checkOf('no session holds the tier twice', seen.twice, `${seen.sessions} sessions hold`),
        checkOf('no hold ended before its time', seen.early, `${seen.expired} holds ended`),
        checkOf('every hold that was due has ended', seen.overdue, `${seen.due} were due`),
      ],
      mustHaveHappened: [
        { what: 'holds added to', times: seen.grown },
        { what: 'holds extended', times: seen.extended },
        { what: 'holds given back', times: seen.released },
        { what: 'holds ended on time', times: seen.expired },
      ],
      outcomes: { success: load.transactions },
    }
  },
}

interface Seen {
  readonly sessions: number
  readonly expired: number
  readonly due: number
  readonly grown: number
  readonly extended: number
  readonly released: number
  /** The first rows that break the promise. */
  readonly twice: unknown
  readonly early: unknown
  readonly overdue: unknown
}

const SEEN = `select count(distinct session_id) filter (where status = 'active')::int as sessions,
    count(*) filter (where status = 'expired')::int as expired,
    count(*) filter (where session_id like 'due %')::int as due,
    count(*) filter (where quantity > 1)::int as grown,
    count(*) filter (where extended_at is not null)::int as extended,
    count(*) filter (where status = 'released')::int as released,
    (select to_jsonb(a) from ticket_holds a join ticket_holds b on b.tier_id = a.tier_id and b.session_id = a.session_id
       and b.status = 'active' and b.id > a.id where a.tier_id = $1 and a.status = 'active' limit 1) as twice,
    (jsonb_agg(to_jsonb(h)) filter (where status = 'expired' and ended_at < expires_at)) -> 0 as early,
    (jsonb_agg(to_jsonb(h)) filter (where status = 'active' and expires_at <= clock_timestamp())) -> 0 as overdue
  from ticket_holds h where tier_id = $1`

function checkOf(name: string, witness: unknown, detail: string): Check {
  return witness === null ? { name, verdict: 'PASS', detail } : { name, verdict: 'FAIL', detail, witness }
}
