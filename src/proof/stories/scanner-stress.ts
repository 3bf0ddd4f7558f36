import type { Run } from '../proof.ts'
import { rowsOf, type Story, sameAsTold, toldIn } from './story.ts'

/** Seven of ten scans show a ticket for the first time. */
function ticketsFor(run: Run): number {
  return (run.profile.stress.scans / 10) * 7
}

export const scannerStress: Story = {
  name: 'scanner-stress',
  story: 'Five scanners work through a queue, and three of ten scans show a ticket that was shown before.',
  fixture: (run) => ({ tickets: ticketsFor(run) }),
  env: ({ profile }) => ({ SCANS: String(profile.stress.scans), SCAN_PAUSE_S: String(profile.stress.pause) }),
  outcomes: {
    admitted: 'ADMITTED',
    repeats_refused: 'ALREADY_USED',
    duplicate_entries: 'admitted twice',
    unexpected_answers: 'unexpected',
  },
  mustHaveHappened: { admitted: 'tickets admitted', repeats_refused: 'repeats refused' },
  stock: undefined,
  witness: async (run, fixture, load) => {
    const tickets = await rowsOf<Scanned>(run, SCANNED, fixture.eventId)
    const entered = tickets.filter(({ entries }) => entries > 0).length
    const refused = tickets.reduce((sum, ticket) => sum + ticket.refusals, 0)
    const twice = tickets.find(({ entries }) => entries > 1)
    const [admittedTold, refusedTold] = [toldIn(load, 'admitted'), toldIn(load, 'repeats_refused')]
    return [
      {
        name: `all ${ticketsFor(run)} tickets enter, each once, and as often as the scanners were told`,
        verdict:
          twice !== undefined || admittedTold !== entered
            ? 'FAIL'
            : sameAsTold(load, entered, ticketsFor(run)),
        detail: `${entered} tickets entered, the scanners were told ${admittedTold} times`,
        ...(twice === undefined ? {} : { witness: twice }),
        reproduce: load.command,
      },
      {
        name: 'every scan that was refused is in the log',
        verdict: sameAsTold(load, refusedTold, refused),
        detail: `${refusedTold} scans were refused, ${refused} are in the log`,
        reproduce: load.command,
      },
    ]
  },
}

interface Scanned {
  readonly id: string
  readonly entries: number
  readonly refusals: number
}

const SCANNED = `select k.id, count(s.id) filter (where s.scan_success)::int as entries,
    count(s.id) filter (where not s.scan_success)::int as refusals
  from tickets k left join scan_logs s on s.ticket_id = k.id where k.event_id = $1 group by k.id`
