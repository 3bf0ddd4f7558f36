import { broken, rowsOf, type Story, sameAsTold, toldIn } from './story.ts'

export const offlineGates: Story = {
  name: 'offline-gates',
  story: 'Ten scanners, half of them without network, some tickets at two gates; then the scans are merged.',
  fixture: (run) => ({ tickets: run.profile.offline.tickets }),
  env: ({ profile }) => ({ SCAN_PAUSE_S: String(profile.offline.pause) }),
  outcomes: {
    admitted_online: 'ADMITTED',
    refused_online: 'ALREADY_USED',
    opened_offline: 'opened offline',
    conflicts_told: 'conflict resolved',
    unexpected_answers: 'unexpected',
  },
  mustHaveHappened: {
    admitted_online: 'tickets admitted online',
    refused_online: 'repeats refused online',
    opened_offline: 'tickets admitted offline',
    conflicts_told: 'conflicts resolved',
    answers_repeated: 'scans sent twice',
  },
  stock: undefined,
  witness: async (run, fixture, load) => {
    const tickets = await rowsOf<Entered>(run, ENTERED, fixture.eventId)
    const doubles = await rowsOf(run, 'select * from double_admissions($1)', fixture.eventId)
    const twiceOnline = tickets.find(({ online }) => online > 1)
    const notOnce = tickets.find(({ counted }) => counted !== 1)
    const opened = toldIn(load, 'admitted_online') + toldIn(load, 'opened_offline')
    return [
      {
        name: 'no ticket entered twice through gates that were online',
        verdict: twiceOnline === undefined ? 'PASS' : 'FAIL',
        detail: `${toldIn(load, 'admitted_online')} entries online`,
        ...(twiceOnline === undefined ? {} : { witness: twiceOnline }),
      },
      {
        name: 'after the merge each ticket has one entry that counts',
        verdict: notOnce === undefined ? 'PASS' : broken(load),
        detail: `${tickets.length} tickets`,
        ...(notOnce === undefined ? {} : { witness: notOnce }),
      },
      {
        name: 'every entry too many is reported with both scans, and nothing else is',
        verdict: doubles.some((double) => double['counted'] === null || double['other'] === null)
          ? 'FAIL'
          : sameAsTold(load, opened - tickets.length, doubles.length),
        detail: `the gates opened ${opened} times for ${tickets.length} tickets, ${doubles.length} doubles are reported`,
        ...(doubles[0] === undefined ? {} : { witness: doubles[0] }),
      },
    ]
  },
}

interface Entered {
  readonly id: string
  /** Scans that count, and entries through gates that were online, beaten later or not. */
  readonly counted: number
  readonly online: number
}

const ENTERED = `select k.id, count(s.id) filter (where s.scan_success)::int as counted,
    count(s.id) filter (where not s.offline and (s.scan_success or s.error_code = 'SUPERSEDED'))::int as online
  from tickets k left join scan_logs s on s.ticket_id = k.id
  where k.event_id = $1 and k.id <> (select id from tickets where event_id = $1 order by ordinal limit 1)
  group by k.id`
