import { hurry } from '../faults/webhook-chaos.ts'
import { exportLedger } from '../history/ledger.ts'
import type { ScenarioResult } from '../results.ts'
import type { Report, Run } from '../run.ts'
import { connectOne } from '../run-databases.ts'
import type { Scenario } from '../scenarios/scenario.ts'
import { openPaymentWitness } from '../stand-in.ts'
import { runOnServer } from './on-server.ts'

/** Time: a scenario in a database of its own whose lifetimes are seconds, paid at a stand-in of Stripe whose clock is as fast. */
export function runHurried(run: Run, scenario: Scenario, report: Report): Promise<ScenarioResult> {
  return run.databases.withClone(async (main) => {
    const { world, close } = await run.openChaosWorld(main)
    try {
      await hurry(world)
      const server = await world.startServer()
      const there: Run = {
        ...run,
        databases: { ...run.databases, main },
        provider: openPaymentWitness(world.standIn),
        variablesOf: async (fixture, url) => ({
          ...(await run.variablesOf(fixture, url)),
          CLOCK_SCALE: String(world.standIn.timeScale),
        }),
      }
      const recorder = run.history.openRecorder(scenario.name, scenario.name)
      const result = await runOnServer(there, server, scenario, report, recorder).finally(() => server.stop())
      await exportLedger(run.history, recorder.database, () => connectOne(main))
      return result
    } finally {
      await close()
    }
  })
}
