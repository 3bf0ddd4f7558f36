import type { Check, ScenarioResult } from '../results.ts'
import { includesScenario, type LeaveOut, type Report, type Run, type Stage } from '../run.ts'
import { onlyWhole } from '../scenarios/scenario.ts'
import { checksByName } from '../scenarios/scenario-result.ts'
import { FAILOVER, FAILOVER_PATRONI, runFailover, runFailoverPatroni } from './failover.ts'
import { RANDOM_FAULTS, runRandomFaults } from './random-faults.ts'
import { runSuddenDeath, SUDDEN_DEATH } from './sudden-death.ts'
import { CHAOS, runChaos } from './webhook-chaos.ts'

interface FaultScenario {
  readonly name: string
  /** Why this run cannot show it; undefined where it can. */
  readonly obstacle: (run: Run) => string | undefined
  readonly play: (run: Run, report: Report, leaveOut: LeaveOut) => Promise<ScenarioResult>
  /** Only whole profiles have the time, unless it is asked for by name. */
  readonly isLong?: boolean
}

const needsMortals = ({ source, mortals }: Run) =>
  mortals === undefined ? `no PostgreSQL at a ${source} is killed` : undefined

const needsPatroni = (run: Run) => needsMortals(run) ?? run.mortals?.lacks.patroni

/** Those of one list are played at once: the first one waits most of the time. */
const SCENARIOS: readonly (readonly FaultScenario[])[] = [
  [
    { name: CHAOS, obstacle: () => undefined, play: runChaos },
    { name: SUDDEN_DEATH, obstacle: needsMortals, play: runSuddenDeath },
  ],
  [{ name: FAILOVER, obstacle: needsMortals, play: runFailover, isLong: true }],
  [{ name: FAILOVER_PATRONI, obstacle: needsPatroni, play: runFailoverPatroni, isLong: true }],
  [{ name: RANDOM_FAULTS, obstacle: needsMortals, play: runRandomFaults, isLong: true }],
]

export const FAULT_SCENARIOS: readonly string[] = SCENARIOS.flat().map(({ name }) => name)

/** Those of which a run may have any number. */
export const REPEATED = [SUDDEN_DEATH, FAILOVER, FAILOVER_PATRONI, RANDOM_FAULTS] as const

/** What dies, and what gets lost, while tickets are sold. */
export const faultsStage: Stage = {
  name: 'faults',
  title: 'Faults',
  skip: (run) =>
    FAULT_SCENARIOS.some((name) => includesScenario(run, name))
      ? undefined
      : 'another scenario was asked for',
  work: async (run, report, leaveOut) => {
    const checks: Check[] = []
    for (const scenarios of SCENARIOS) {
      const asked = scenarios.filter(({ name }) => includesScenario(run, name))
      const chosen: FaultScenario[] = []
      for (const scenario of asked) {
        const why = await obstacleOf(run, scenario)
        if (why === undefined) chosen.push(scenario)
        else {
          leaveOut({ name: scenario.name, why })
          checks.push(...missing(run, scenario, why))
        }
      }
      const running = chosen.map(({ play }) => play(run, report, leaveOut))
      // Each ends what it started before one's failure is told.
      await Promise.allSettled(running)
      const results = await Promise.all(running)
      run.scenarios.push(...results)
      checks.push(...results.flatMap(checksByName))
    }
    return checks
  },
}

async function obstacleOf(run: Run, { name, obstacle, isLong }: FaultScenario): Promise<string | undefined> {
  const isTooLong = isLong === true && !run.only.includes(name)
  return obstacle(run) ?? (isTooLong ? onlyWhole(run) : undefined)
}

/** What was asked for by its name and cannot be shown is no PASS. */
function missing(run: Run, { name }: FaultScenario, why: string): Check[] {
  if (!run.only.includes(name)) return []
  return [{ name: `${name}: it can be shown here`, verdict: 'INCONCLUSIVE', detail: why }]
}
