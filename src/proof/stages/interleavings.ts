import { type Exploration, explore, openArena } from '../interleaving/explore.ts'
import { ISOLATION_LEVELS, type IsolationLevel, type Race } from '../interleaving/race.ts'
import { RACES } from '../interleaving/races/index.ts'
import { type Check, type InterleavingResult, NOT_STEPPED, worst } from '../results.ts'
import { includesScenario, type Report, type Run, type Stage } from '../run.ts'
import { atOnce, clonesAtOnce } from '../sabotage/at-once.ts'
import { reproduceCommand } from '../scenarios/commands.ts'

/** What a run may be asked for by name. */
export const INTERLEAVINGS = 'interleavings'

/** Sessions that want the same thing, stepped through the orders of their statements. */
export const interleavingsStage: Stage = {
  name: INTERLEAVINGS,
  title: 'Interleavings',
  level: 2,
  skip: (run) => (includesScenario(run, INTERLEAVINGS) ? undefined : 'another scenario was asked for'),
  work: async (run, report) => {
    run.interleavings.splice(0, Number.POSITIVE_INFINITY, ...(await exploreAll(run, report)))
    return run.interleavings.flatMap(({ checks }) => checks)
  },
}

async function exploreAll(run: Run, report: Report): Promise<InterleavingResult[]> {
  const all = RACES.flatMap((race) => isolationsOf(run, race).map((isolation) => ({ race, isolation })))
  let done = 0
  return atOnce(clonesAtOnce(), all, async ({ race, isolation }) => {
    report(`${done++} of ${all.length} done. ${race.story}`)
    run.signal.throwIfAborted()
    const startedMs = performance.now()
    const exploration = await run.attackDatabases.withClone(async (database) =>
      explore(await openArena(database), race, isolation),
    )
    return resultOf(run, exploration, Math.round(performance.now() - startedMs))
  })
}

function isolationsOf({ profile }: Run, race: Race): readonly IsolationLevel[] {
  return ISOLATION_LEVELS.filter(
    (isolation) => race.isolations.includes(isolation) && profile.isolations.includes(isolation),
  )
}

function resultOf(run: Run, exploration: Exploration, durationMs: number): InterleavingResult {
  const { race, isolation, orders, stepped, waits, deadlocks, retries, ends, sessions } = exploration
  const reproduce = reproduceCommand(run, INTERLEAVINGS)
  const checks = checksOf(exploration).map(
    (check): Check => ({
      ...check,
      name: `${race.name}, ${isolation}: ${check.name}`,
      ...(check.verdict === 'PASS' ? {} : { reproduce }),
    }),
  )
  return {
    race: race.name,
    story: race.story,
    guarantees: [...race.guarantees],
    isolation,
    sessions: [...sessions],
    orders,
    stepped,
    waits,
    deadlocks,
    retries,
    ends,
    verdict: worst(checks.map(({ verdict }) => verdict)),
    durationMs,
    checks,
  }
}

/** What an exploration shows. A broken order decides by itself: what was not stepped after it says nothing. */
export function checksOf(exploration: Exploration): readonly Check[] {
  const { witness, orders, stepped } = exploration
  const name = 'each order that was stepped ends as it may, and lawfully'
  if (witness !== undefined) {
    const { wrong, tooSlow, ...seen } = witness
    return [
      { name, verdict: tooSlow ? 'INCONCLUSIVE' : 'FAIL', detail: `${wrong}: ${seen.end}`, witness: seen },
    ]
  }
  // A lock queue wakes whom PostgreSQL chooses: an order in which the other one was to have the lock is not stepped.
  const rest = orders === stepped ? '' : `; the other ${orders - stepped} ${NOT_STEPPED}`
  return [
    { name, verdict: 'PASS', detail: `${stepped} of ${orders} orders stepped through${rest}` },
    happened(exploration),
  ]
}

/** Sometimes assertion: what never happened shows nothing. */
function happened({ race, isolation, stepped, ends, waits, retries }: Exploration): Check {
  if (isolation !== 'read committed') {
    return {
      name: 'some orders end with somebody told to retry, others without',
      verdict: retries > 0 && retries < stepped ? 'PASS' : 'INCONCLUSIVE',
      detail: `${retries} of ${stepped} with 40001`,
    }
  }
  const missing = race.ends.filter((end) => ends[end] === undefined)
  const seen = missing.length === 0 ? `${race.ends.length} ends` : `never seen: ${missing.join(', ')}`
  return {
    name: 'somebody waits, and each end is seen',
    verdict: missing.length === 0 && waits > 0 ? 'PASS' : 'INCONCLUSIVE',
    detail: `${seen}; ${waits} waits for a lock`,
  }
}
