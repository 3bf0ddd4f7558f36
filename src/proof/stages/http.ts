import { MAIN } from '../history/recorder.ts'
import type { Check } from '../results.ts'
import { includesScenario, type Run, type Stage } from '../run.ts'
import { HTTP_SCENARIOS } from '../scenarios/index.ts'
import type { Scenario } from '../scenarios/scenario.ts'
import { checksByName } from '../scenarios/scenario-result.ts'
import { chooseFrom } from './choose.ts'
import { runHurried } from './hurried.ts'
import { runOnServer } from './on-server.ts'
import { runSoak } from './soak.ts'

/** Load over HTTP: buyers, scanners and webhooks, by k6 where it is on the PATH, else by the built-in runner of the same scripts. */
export const httpStage: Stage = {
  name: 'http',
  title: 'HTTP load',
  skip: (run) => (scenariosOf(run).length === 0 ? 'another scenario was asked for' : undefined),
  work: async (run, report, leaveOut) => {
    report('starting a server')
    const server = await run.startServer(run.databases.main.url)
    try {
      if (run.profile.soak !== undefined) return await soakStage(run, server, run.profile.soak, report)
      const checks: Check[] = []
      const { shown, leftOut } = await chooseScenarios(run)
      leftOut.forEach(leaveOut)
      for (const scenario of shown) {
        report(scenario.story)
        const result = scenario.isHurried
          ? await runHurried(run, scenario, report)
          : await runOnServer(run, server, scenario, report, recorderOf(run, scenario))
        run.scenarios.push(result)
        checks.push(...checksByName(result))
      }
      return checks
    } finally {
      await server.stop()
    }
  },
}

function recorderOf(run: Run, { name }: Scenario) {
  return run.history.openRecorder(name, MAIN)
}

async function soakStage(...args: Parameters<typeof runSoak>): Promise<readonly Check[]> {
  const result = await runSoak(...args)
  args[0].scenarios.push(result)
  return checksByName(result)
}

export function chooseScenarios(run: Run) {
  return chooseFrom(run, scenariosOf(run))
}

function scenariosOf(run: Run): readonly Scenario[] {
  return HTTP_SCENARIOS.filter(({ name }) => includesScenario(run, name))
}
