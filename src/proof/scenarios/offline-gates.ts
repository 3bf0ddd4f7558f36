import type { LoadRun } from '../../load/engine.ts'
import type { Fixture } from '../fixtures/fixtures.ts'
import { type Check, worst } from '../results.ts'
import type { Run } from '../run.ts'
import { counterOf, mismatchVerdict, reconcile, rowsOf, type Scenario } from './scenario.ts'

export const offlineGates: Scenario = {
  name: 'offline-gates',
  story:
    'Ten gates, half of them without network and with a list that grows old; then their scans are merged.',
  fixture: (run) => ({ tickets: run.profile.offline.tickets }),
  env: ({ profile }) => ({ SCAN_PAUSE_S: String(profile.offline.pause) }),
  outcomes: {
    admitted_online: 'success (online)',
    refused_online: 'ALREADY_USED',
    opened_offline: 'success (offline)',
    refused_offline: 'refused offline',
    conflicts_resolved: 'conflict resolved',
    strangers_refused: 'NOT_FOUND, WRONG_EVENT',
    unexpected_answers: 'unexpected',
  },
  mustHaveHappened: {
    admitted_online: 'tickets admitted online',
    refused_online: 'repeats refused online',
    opened_offline: 'tickets admitted offline',
    conflicts_resolved: 'conflicts resolved',
    answers_repeated: 'scans sent again',
    strangers_refused: 'tickets of others and of another event told apart',
  },
  stock: undefined,
  judge: async (run, fixture, load) => {
    const tickets = await rowsOf<Entered>(run, ENTERED, fixture.eventId)
    return [
      ...entryChecks(tickets, load),
      await winnerCheck(run, fixture, load),
      await clockCheck(run, fixture),
      await doublesCheck(run, fixture, load, tickets),
      againCheck(load, tickets),
    ]
  },
}

/** A ticket that was shown anywhere. */
interface Entered {
  readonly id: string
  readonly status: string
  /** Scans that count, entries through gates that were online, beaten later or not, and scans of gates that were not. */
  readonly counted: number
  readonly online: number
  readonly offline: number
}

const ENTERED = `select k.id, k.status::text, count(*) filter (where s.scan_success)::int as counted,
    count(*) filter (where not s.offline and (s.scan_success or s.error_code = 'SUPERSEDED'))::int as online,
    count(*) filter (where s.offline)::int as offline
  from tickets k join scan_logs s on s.ticket_id = k.id where k.event_id = $1 group by k.id`

function entryChecks(tickets: readonly Entered[], load: LoadRun): Check[] {
  const twiceOnline = tickets.find(({ online }) => online > 1)
  const online = tickets.reduce((sum, ticket) => sum + ticket.online, 0)
  const notOnce = tickets.find(({ counted, status }) => counted !== (status === 'used' ? 1 : 0))
  return [
    {
      name: 'no ticket entered twice through gates that were online, and who was told so entered',
      verdict:
        twiceOnline === undefined ? reconcile(load, counterOf(load, 'admitted_online'), online) : 'FAIL',
      detail: `${online} entries online, the gates were told ${counterOf(load, 'admitted_online')} times`,
      ...(twiceOnline === undefined ? {} : { witness: twiceOnline }),
    },
    {
      name: 'after the merge each ticket has one entry that counts, a refunded one none',
      verdict: tickets.length > 0 && notOnce === undefined ? 'PASS' : mismatchVerdict(load),
      detail: `${tickets.length} tickets`,
      ...(notOnce === undefined ? {} : { witness: notOnce }),
    },
  ]
}

/**
 * First writer wins by the gates' clocks: the earliest scan that opened a gate counts; one whose clock is not believed comes
 * after all others. That of two at the same instant one wins is asked by the script.
 */
async function winnerCheck(run: Run, { eventId }: Fixture, load: LoadRun): Promise<Check> {
  const wrong = await rowsOf(run, WRONG_WINNERS, eventId)
  return {
    name: 'the earliest scan counts, and its time is the time of the entry',
    verdict: wrong.length === 0 ? 'PASS' : 'FAIL',
    detail: `${counterOf(load, 'conflicts_resolved')} conflicts, ${wrong.length} of them decided wrongly`,
    ...(wrong[0] === undefined ? {} : { witness: wrong[0] }),
  }
}

const WRONG_WINNERS = `select k.id, k.checked_in_at, to_jsonb(w) as counted, to_jsonb(o) as other
  from tickets k join scan_logs w on w.ticket_id = k.id and w.scan_success
    left join scan_logs o on o.ticket_id = k.id and o.id <> w.id and (o.offline or o.error_code = 'SUPERSEDED')
  where k.event_id = $1 and (k.checked_in_at is distinct from w.scanned_at
    or (o.clock_suspect and coalesce(o.claimed_at <= o.scanned_at, false), o.scanned_at)
      < (w.clock_suspect and coalesce(w.claimed_at <= w.scanned_at, false), w.scanned_at))`

/** Clock skew: a gate's clock is believed within bounds, and the log marks where it is not. */
async function clockCheck(run: Run, { eventId }: Fixture): Promise<Check> {
  const [clocks] = await rowsOf<{ suspects: number; wrong: unknown[] }>(run, CLOCKS, eventId)
  const { suspects, wrong } = clocks ?? { suspects: 0, wrong: [] }
  return {
    name: 'a clock that cannot be right decides nothing, and is named',
    verdict: wrong.length > 0 ? 'FAIL' : suspects > 0 ? 'PASS' : 'INCONCLUSIVE',
    detail: `${suspects} scans by such a clock`,
    ...(wrong[0] === undefined ? {} : { witness: wrong[0] }),
  }
}

const CLOCKS = `select count(*) filter (where s.clock_suspect)::int as suspects,
    coalesce(jsonb_agg(to_jsonb(s)) filter (where s.scanned_at > clock_timestamp()
      or not s.clock_suspect and s.scanned_at is distinct from s.claimed_at
      -- The moment of the recording is that of its transaction's beginning, or a little later.
      or not s.clock_suspect and s.claimed_at < s.recorded_at - t.offline_scan_age - interval '1 minute'), '[]') as wrong
  from scan_logs s, ticketing.settings t where s.event_id = $1 and s.offline`

async function doublesCheck(
  run: Run,
  { eventId }: Fixture,
  load: LoadRun,
  tickets: readonly Entered[],
): Promise<Check> {
  const reported = await rowsOf(run, 'select * from double_admissions($1)', eventId)
  const isOfAnother = (double: Readonly<Record<string, unknown>>) =>
    (double['other'] as { readonly error_code?: string } | null)?.error_code === 'WRONG_EVENT'
  const doubles = reported.filter((double) => !isOfAnother(double))
  // Of three strangers at each gate one has a ticket of another event.
  const ofAnother = counterOf(load, 'strangers_refused') / 3
  const conflicts = doubles.filter((double) => double['counted'] !== null).length
  const inside = tickets.filter(({ status }) => status === 'used').length
  const halved = doubles.find((double) => double['other'] === null)
  const opened = counterOf(load, 'admitted_online') + counterOf(load, 'opened_offline')
  return {
    name: 'every entry too many is reported, with both scans where the ticket was good',
    verdict: worst([
      halved === undefined ? 'PASS' : 'FAIL',
      reconcile(load, opened - inside, doubles.length),
      reconcile(load, counterOf(load, 'conflicts_resolved'), conflicts),
      reconcile(load, ofAnother, reported.length - doubles.length),
    ]),
    detail: `the gates opened ${opened} times for ${inside} tickets, ${doubles.length} doubles are reported, ${conflicts} of ${counterOf(load, 'conflicts_resolved')} with both scans; ${reported.length - doubles.length} of ${ofAnother} with a ticket of another event`,
    ...(halved === undefined ? {} : { witness: halved }),
  }
}

/** Idempotent merge: each offline scan is stored once, and its repeat gets the right answer. */
function againCheck(load: LoadRun, tickets: readonly Entered[]): Check {
  const scans = tickets.reduce((sum, ticket) => sum + ticket.offline, 0)
  const [opened, again] = [counterOf(load, 'opened_offline'), counterOf(load, 'answers_repeated')]
  return {
    name: 'every scan of a gate without network is there once, and its last answer is right',
    verdict: worst([reconcile(load, opened, scans), reconcile(load, again, scans)]),
    detail: `${opened} scans were made, ${scans} are there, ${again} last answers are right`,
  }
}
