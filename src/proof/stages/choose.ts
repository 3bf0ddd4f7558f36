import type { LeftOut } from '../results.ts'
import type { Run } from '../run.ts'

/** What a run plays of these, and what it cannot, with the reason; whoever asks for one by its name gets it. */
export async function chooseFrom<Scenario extends Choosable>(
  run: Run,
  scenarios: readonly Scenario[],
): Promise<{ readonly shown: readonly Scenario[]; readonly leftOut: readonly LeftOut[] }> {
  const shown: Scenario[] = []
  const leftOut: LeftOut[] = []
  for (const scenario of scenarios) {
    const why = run.only.includes(scenario.name) ? undefined : await scenario.obstacle?.(run)
    if (why === undefined) shown.push(scenario)
    else leftOut.push({ name: scenario.name, why })
  }
  return { shown, leftOut }
}

interface Choosable {
  readonly name: string
  /** Why this run or its database cannot show it, if so. */
  readonly obstacle?: (run: Run) => Promise<string | undefined>
}
