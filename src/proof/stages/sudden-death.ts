import { suddenDeath } from '../faults/sudden-death.ts'
import { exportLedger } from '../history/ledger.ts'
import type { ScenarioResult } from '../results.ts'
import { mortalsOf, type Report, type Run } from '../run.ts'
import { faultResult } from './fault-result.ts'
import { witnessChecks } from './witness-checks.ts'

export const SUDDEN_DEATH = 'sudden-death'

const STORY =
  'Buyers write down what they are told while server and PostgreSQL are killed, every process at once; afterwards all of it is there.'

/** In a PostgreSQL of its own, that of nobody who sells. */
export async function runSuddenDeath(run: Run, report: Report): Promise<ScenarioResult> {
  report(STORY)
  const startedMs = performance.now()
  const { world, close } = await mortalsOf(run).openWorld()
  try {
    const recorder = run.history.openRecorder(SUDDEN_DEATH, SUDDEN_DEATH)
    const result = await suddenDeath(world, { deaths: run.profile.deaths, report, recorder })
    await exportLedger(run.history, recorder.database, world.connect)
    return faultResult(run, {
      name: SUDDEN_DEATH,
      story: STORY,
      file: 'src/proof/faults/sudden-death.ts',
      startedMs,
      counts: result.counts,
      mustHaveHappened: [
        { what: 'deaths of everything', times: result.counts.get('everything killed') ?? 0 },
        { what: 'orders acknowledged', times: result.acknowledged },
        { what: 'buyers cut off', times: result.counts.get('checkout cut off') ?? 0 },
      ],
      checks: witnessChecks(result, result.counts),
    })
  } finally {
    await close()
  }
}
