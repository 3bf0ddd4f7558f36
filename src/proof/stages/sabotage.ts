import type { Check, SabotageResult } from '../results.ts'
import type { Stage } from '../run.ts'
import { removals, sabotage } from '../sabotage/sabotage.ts'

/** Protections are taken away, one at a time and all together, to see that the proof can fail. */
export const sabotageStage: Stage = {
  name: 'sabotage',
  title: 'Sabotage',
  skip: (run) => (run.only.length > 0 ? 'only some scenarios were asked for' : undefined),
  work: async (run, report) => {
    const all = removals()
    for (const [index, removal] of all.entries()) {
      const what = removal.removed.length === 1 ? removal.removed[0]?.name : 'all that refuse'
      report(`${index + 1} of ${all.length}: ${removal.guarantee.name} without ${what}`)
      run.signal.throwIfAborted()
      run.sabotage.push(await sabotage(run.databases, removal, run.seed))
    }
    return run.sabotage.map(checkOf)
  },
}

function checkOf(result: SabotageResult): Check {
  const what = result.kind === 'all refusing' ? 'all refusing protections' : (result.removed[0] ?? '')
  return {
    name: `${result.guarantee} without ${what} ${result.expected === 'survives' ? 'still holds' : 'is caught'}`,
    verdict: result.verdict,
    detail: result.detail,
    ...(result.verdict === 'PASS' ? {} : { witness: result.witness ?? result.outcomes }),
  }
}
