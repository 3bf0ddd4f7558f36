import type { LoadRun } from '../../load/engine.ts'
import type { Check } from '../results.ts'
import type { Run } from '../run.ts'
import { counterOf, ranToItsEnd, reconcile, rowsOf, type Scenario, type SizedRun } from './scenario.ts'

/** Seven of ten scans show a ticket for the first time. */
function queuedIn({ profile }: SizedRun): number {
  return (profile.stress.scans / 10) * 7
}

export const scannerStress: Scenario = {
  name: 'scanner-stress',
  story: 'Five scanners work through a queue, and three of ten scans show a ticket that was shown before.',
  fixture: (run) => ({ tickets: queuedIn(run) + run.profile.rush.tickets }),
  env: ({ profile: { stress, rush } }) => ({
    SCANS: String(stress.scans),
    SCAN_PAUSE_S: String(stress.pause),
    RUSH_RATE: String(rush.tickets === 0 ? 0 : rush.rate),
    RUSH_S: String(rush.seconds),
  }),
  outcomes: {
    admitted: 'success',
    admitted_in_rush: 'success (rush)',
    repeats_refused: 'ALREADY_USED',
    refused_in_rush: 'ALREADY_USED (rush)',
    duplicate_entries: 'unexpected second entry',
    wrong_refusals: 'unexpected refusal',
    unexpected_answers: 'unexpected',
  },
  mustHaveHappened: { admitted: 'tickets admitted', repeats_refused: 'repeats refused' },
  stock: undefined,
  judge: async (run, fixture, load) => {
    const tickets = await rowsOf<Scanned>(run, SCANNED, fixture.eventId)
    const entered = tickets.filter(({ entries }) => entries > 0).length
    const refused = tickets.reduce((sum, ticket) => sum + ticket.refusals, 0)
    const twice = tickets.find(({ entries }) => entries > 1)
    const admittedAnswers = counterOf(load, 'admitted') + counterOf(load, 'admitted_in_rush')
    const refusedAnswers = counterOf(load, 'repeats_refused') + counterOf(load, 'refused_in_rush')
    const all = fixture.tickets.length
    return [
      {
        name: `all ${all} tickets enter, each once, and as often as the scanners were told`,
        verdict: twice !== undefined || admittedAnswers > entered ? 'FAIL' : reconcile(load, entered, all),
        detail: `${entered} tickets entered, the scanners were told ${admittedAnswers} times`,
        ...(twice === undefined ? {} : { witness: twice }),
      },
      {
        name: 'every scan that was refused is in the log',
        verdict: reconcile(load, refusedAnswers, refused),
        detail: `${refusedAnswers} scans were refused, ${refused} are in the log`,
      },
      ...(run.profile.rush.tickets === 0 ? [] : [rateCheck(run, load)]),
    ]
  },
}

/** A rate is no promise: a machine that runs load, server and database and is too slow makes it INCONCLUSIVE. */
function rateCheck({ profile: { rush } }: Run, load: LoadRun): Check {
  const scans = counterOf(load, 'admitted_in_rush') + counterOf(load, 'refused_in_rush')
  const achieved = scans / rush.seconds
  const reached = ranToItsEnd(load) && scans + 1 >= rush.rate * rush.seconds * RATE_SHARE_MIN
  return {
    name: `${rush.rate} scans a second at ten scanners`,
    verdict: reached ? 'PASS' : 'INCONCLUSIVE',
    detail: `${achieved.toFixed(0)} a second, ${scans} scans in ${rush.seconds} s`,
  }
}

/** Share of the rate that counts as reached; one more scan may be missing at the very end. */
const RATE_SHARE_MIN = 0.99

interface Scanned {
  readonly id: string
  readonly entries: number
  readonly refusals: number
  /** Those that opened a gate. */
  readonly scans: readonly unknown[]
}

const SCANNED = `select k.id, count(s.id) filter (where s.scan_success)::int as entries,
    count(s.id) filter (where not s.scan_success)::int as refusals,
    coalesce(jsonb_agg(to_jsonb(s) order by s.scanned_at) filter (where s.scan_success), '[]') as scans
  from tickets k left join scan_logs s on s.ticket_id = k.id
  where k.event_id = $1 and k.id <> (select id from tickets where event_id = $1 order by ordinal limit 1) group by k.id`
