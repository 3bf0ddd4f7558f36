import { ranToItsEnd, rowsOf, type Story } from './story.ts'

const SCANNERS = 10

export const scannerBurst: Story = {
  name: 'scanner-burst',
  story: 'Ten scanners scan tickets, and codes that nobody sold, then all ten one ticket at the same moment.',
  fixture: (run) => ({ tickets: run.profile.scannerTickets }),
  env: (run) => ({
    SCAN_PAUSE_S: String(run.profile.scannerPause),
    RACE_START: `${run.profile.raceStart}s`,
  }),
  outcomes: {
    admitted: 'success',
    race_admitted: 'success (race)',
    race_refused: 'ALREADY_USED',
    unknown_refused: 'NOT_FOUND',
    unexpected_answers: 'unexpected',
  },
  mustHaveHappened: {
    admitted: 'tickets admitted',
    unknown_refused: 'unknown codes refused',
    race_admitted: 'race won',
    race_refused: 'races lost',
  },
  stock: undefined,
  witness: async (run, fixture, load) => {
    const scans = await rowsOf(
      run,
      `select id, ticket_id, device_id, scan_success, scanned_at from scan_logs where ticket_id = $1
       order by scan_success desc, scanned_at, id`,
      fixture.raceTicket?.id ?? '',
    )
    const admitted = scans.filter((scan) => scan['scan_success'] === true).length
    const refused = scans.length - admitted
    const fewer = ranToItsEnd(load) ? 'FAIL' : 'INCONCLUSIVE'
    return [
      {
        name: `1 of ${SCANNERS} scanners admitted, the other ${SCANNERS - 1} were told`,
        verdict: admitted > 1 ? 'FAIL' : admitted === 1 && refused === SCANNERS - 1 ? 'PASS' : fewer,
        detail: `${admitted} successful and ${refused} refused scans of the one ticket`,
        ...(admitted > 1 ? { witness: scans[1] } : {}),
      },
    ]
  },
}
