import { FIXTURES, type Fixture, type FixtureName, type FixtureOptions } from '../fixtures.ts'
import type { LoadRun } from '../k6/run.ts'
import type { Run } from '../proof.ts'
import type { Check } from '../results.ts'

/** One k6 script, what it is given, and what the database must say afterwards. */
export interface Story {
  readonly name: FixtureName
  readonly story: string
  readonly guarantees: readonly string[]
  readonly fixture: (run: Run) => FixtureOptions
  readonly env: (run: Run) => Record<string, string>
  /** Metrics that count answers, by the code that the report shows them under. */
  readonly outcomes: Readonly<Record<string, string>>
  /** What must have happened, as metric and words. */
  readonly mustHaveHappened: Readonly<Record<string, string>>
  /** Places whose taking the report draws as a line. */
  readonly stock: number | undefined
  /** What the database must say, beside what the callers were told. */
  readonly witness: (run: Run, fixture: Fixture, load: LoadRun) => Promise<Check[]>
}

/** The script ran to its end, its thresholds met or not: what it did not do, nobody prevented. */
export function ranToItsEnd({ exitCode }: LoadRun): boolean {
  return exitCode === 0 || exitCode === THRESHOLDS_BROKEN
}

const THRESHOLDS_BROKEN = 99

const STOCK = FIXTURES['concurrent-checkout'].stock

/** With fewer buyers than tickets nobody is told that it is sold out, which makes the run inconclusive. */
function sellable(run: Run): number {
  return Math.min(STOCK, run.profile.buyers)
}

const concurrentCheckout: Story = {
  name: 'concurrent-checkout',
  story: 'Two hundred buyers press "buy" at the same moment, and there are fifty tickets.',
  guarantees: ['never-oversold', 'never-undersold'],
  fixture: () => ({}),
  env: (run) => ({ USERS: String(run.profile.buyers), STOCK: String(sellable(run)) }),
  outcomes: {
    successful_checkouts: 'success',
    sold_out_answers: 'INSUFFICIENT_TICKETS',
    unexpected_answers: 'unexpected',
  },
  mustHaveHappened: {
    successful_checkouts: 'tickets sold',
    sold_out_answers: 'buyers told that it is sold out',
  },
  stock: STOCK,
  witness: async (run, fixture, load) => {
    const tickets = await rowsOf(
      run,
      `select id, tier_id, order_id, status, created_at from tickets
       where tier_id = $1 and status in ('valid', 'used', 'refunding') order by created_at, id`,
      fixture.tierId,
    )
    const sold = tickets.length
    const told = load.metrics['successful_checkouts']?.['count'] ?? 0
    const fewer = ranToItsEnd(load) ? 'FAIL' : 'INCONCLUSIVE'
    return [
      {
        name: `${sellable(run)} of ${STOCK} tickets are sold, never ${STOCK + 1}, never ${sellable(run) - 1} while buyers remain`,
        verdict: sold > STOCK ? 'FAIL' : sold === sellable(run) ? 'PASS' : fewer,
        detail: `${sold} tickets in the database`,
        ...(sold > STOCK ? { witness: tickets[STOCK] } : {}),
        reproduce: load.command,
      },
      {
        name: 'who was told "sold" has a ticket, and nobody else has',
        verdict: sold === told ? 'PASS' : told > sold ? 'FAIL' : fewer,
        detail: `${told} buyers were told so, ${sold} tickets exist`,
        reproduce: load.command,
      },
    ]
  },
}

const SCANNERS = 10

const scannerBurst: Story = {
  name: 'scanner-burst',
  story: 'Ten scanners scan tickets of their own, then all ten scan one ticket at the same moment.',
  guarantees: ['admitted-once'],
  fixture: (run) => ({ tickets: run.profile.scannerTickets }),
  env: (run) => ({
    SCAN_PAUSE_S: String(run.profile.scannerPause),
    RACE_START: `${run.profile.raceStart}s`,
  }),
  outcomes: {
    admitted: 'success',
    race_admitted: 'success (race)',
    race_refused: 'ALREADY_USED',
    unexpected_answers: 'unexpected',
  },
  mustHaveHappened: { admitted: 'tickets admitted', race_admitted: 'race won', race_refused: 'races lost' },
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
        reproduce: load.command,
      },
    ]
  },
}

export const STORIES: readonly Story[] = [concurrentCheckout, scannerBurst]

async function rowsOf(run: Run, sql: string, id: string): Promise<readonly Record<string, unknown>[]> {
  return (await run.workbench.main.client.query<Record<string, unknown>>(sql, [id])).rows
}
