import type { CodeKind } from '../../core/code-token.ts'
import type { LoadRun } from '../../load/engine.ts'
import type { Fixture } from '../fixtures/fixtures.ts'
import { type Check, worst } from '../results.ts'
import type { Run } from '../run.ts'
import { counterOf, mismatchVerdict, reconcile, rowsOf, type Scenario } from './scenario.ts'

const SCANNERS = 10

export const scannerBurst: Scenario = {
  name: 'scanner-burst',
  story:
    'Ten scanners scan tickets, and every kind of code that there is, then all ten one ticket at the same moment.',
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
    codes_judged: 'judged as it must be (codes of every kind)',
    duplicate_entries: 'unexpected second entry',
    fresh_refused: 'unexpected refusal',
    unexpected_answers: 'unexpected',
  },
  mustHaveHappened: {
    admitted: 'tickets admitted',
    unknown_refused: 'unknown codes refused',
    codes_judged: 'codes of every kind judged',
    race_admitted: 'race won',
    race_refused: 'races lost',
  },
  stock: undefined,
  judge: async (run, fixture, load) => [
    await raceCheck(run, fixture, load),
    await entriesCheck(run, fixture, load),
    await codesCheck(run, fixture, load),
  ],
}

async function raceCheck(run: Run, fixture: Fixture, load: LoadRun): Promise<Check> {
  const scans = await rowsOf<{ readonly scan_success: boolean }>(run, RACE, fixture.raceTicket?.id ?? '')
  const admitted = scans.filter((scan) => scan.scan_success)
  const refused = scans.length - admitted.length
  const asMeant = admitted.length === 1 && refused === SCANNERS - 1
  return {
    name: `1 of ${SCANNERS} scanners admitted, the other ${SCANNERS - 1} were told`,
    verdict: admitted.length > 1 ? 'FAIL' : asMeant ? 'PASS' : mismatchVerdict(load),
    detail: `${admitted.length} successful and ${refused} refused scans of the one ticket`,
    ...(admitted.length > 1 ? { witness: admitted } : {}),
  }
}

const RACE = `select id, ticket_id, device_id, scan_success, scanned_at from scan_logs where ticket_id = $1
  order by scanned_at, id`

/** The scanners' own tickets, each shown once, and what nobody sold. */
async function entriesCheck(run: Run, fixture: Fixture, load: LoadRun): Promise<Check> {
  const scans = await rowsOf<Entry>(run, ENTRIES, fixture.scannerId)
  const own = new Set(fixture.tickets.map(({ id }) => id))
  const entered = scans.filter(({ ticket_id, entries }) => own.has(ticket_id ?? '') && entries > 0)
  const unknown = scans.find(({ ticket_id }) => ticket_id === null)?.refusals ?? 0
  const [admittedAnswers, unknownAnswers] = [counterOf(load, 'admitted'), counterOf(load, 'unknown_refused')]
  const twice = entered.find(({ entries }) => entries > 1)
  return {
    name: 'who was told so is inside, once, and what nobody sold is in the log',
    verdict:
      twice !== undefined
        ? 'FAIL'
        : worst([reconcile(load, admittedAnswers, entered.length), reconcile(load, unknownAnswers, unknown)]),
    detail: `${entered.length} tickets entered, the scanners were told ${admittedAnswers} times; ${unknown} of ${unknownAnswers} unknown codes are in the log`,
    ...(twice === undefined ? {} : { witness: twice }),
  }
}

interface Entry {
  /** Null for all that are no tickets. */
  readonly ticket_id: string | null
  readonly entries: number
  readonly refusals: number
}

const ENTRIES = `select ticket_id, count(*) filter (where scan_success)::int as entries,
    count(*) filter (where not scan_success)::int as refusals
  from scan_logs where scanned_by = $1 and not starts_with(device_id, 'door-') group by ticket_id`

/** Every scan that was judged is in the log, under what it was of and with what was said; and no other. */
async function codesCheck(
  run: Run,
  { gateCodes, scannerId, buyerId }: Fixture,
  load: LoadRun,
): Promise<Check> {
  const logged = await rowsOf<Logged>(run, LOGGED, [scannerId, buyerId])
  const found = new Map(logged.map(({ id, answers }) => [id, answers.join()]))
  const expected = new Map<string, string>()
  for (const [id, codes] of Map.groupBy(gateCodes, ({ id }) => id ?? UNKNOWN)) {
    const answers = codes
      .filter(({ bearer }) => bearer === 'door')
      .flatMap(({ kind, answers }) => answers.map((answer) => inTheLog(kind, answer)))
    if (answers.length > 0) expected.set(id, answers.sort().join())
  }
  const odd = [...new Set([...expected.keys(), ...found.keys()])].find(
    (id) => expected.get(id) !== found.get(id),
  )
  const what = gateCodes.find(({ id }) => id === odd)?.what
  return {
    name: 'the log has every scan of every kind of code, as it was judged, and no other',
    verdict: odd === undefined ? 'PASS' : mismatchVerdict(load),
    detail: `${expected.size} codes of ${new Set(gateCodes.map((code) => code.what)).size} kinds`,
    ...(odd === undefined
      ? {}
      : { witness: { id: odd, what, expected: expected.get(odd), found: found.get(odd) } }),
  }
}

interface Logged {
  readonly id: string
  readonly answers: readonly string[]
}

const UNKNOWN = 'unknown'

/** How the log says what a gate was told: of a ticket that is void the ticket itself says why. */
function inTheLog(kind: CodeKind, answer: string): string {
  return kind === 'ticket' && ['REFUNDED', 'REFUNDING', 'CANCELLED'].includes(answer)
    ? 'INVALID_STATUS'
    : answer
}

const LOGGED = `select coalesce(coalesce(ticket_id, claim_id, reservation_id)::text, '${UNKNOWN}') as id,
    array_agg(l.answer order by l.answer) as answers
  from scan_logs s, lateral (select case when scan_success then 'ADMITTED' else error_code end collate "C" as answer) l
  where scanned_by = any($1) and starts_with(device_id, 'door-') group by 1`
