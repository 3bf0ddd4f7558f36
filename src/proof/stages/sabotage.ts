import type { Check, SabotageResult } from '../results.ts'
import type { Report, Run, Stage } from '../run.ts'
import { atOnce, clonesAtOnce } from '../sabotage/at-once.ts'
import { httpWitnessOf } from '../sabotage/http-witness.ts'
import { type Removal, removals, sabotage } from '../sabotage/sabotage.ts'

/** Protections are taken away, one at a time and all together, to see that the proof can fail. */
export const sabotageStage: Stage = {
  name: 'sabotage',
  title: 'Sabotage',
  skip: (run) => (run.only.length > 0 ? 'only some scenarios were asked for' : undefined),
  work: async (run, report) => {
    // In the order of the report, once all are there.
    run.sabotage.splice(0, Number.POSITIVE_INFINITY, ...(await attackAll(run, report)))
    return run.sabotage.map(checkOf)
  },
}

async function attackAll(run: Run, report: Report): Promise<SabotageResult[]> {
  const all = removals()
  const openWitness = httpWitnessOf(run)
  let done = 0
  return atOnce(clonesAtOnce(), all, async (removal) => {
    report(`${done} of ${all.length} done, now ${nameOf(removal)}`)
    run.signal.throwIfAborted()
    const result = await sabotage(run.attackDatabases, removal, run.seed, openWitness)
    // At once, so that a run that is broken off shows what it saw.
    run.sabotage.push(result)
    done++
    return result
  })
}

function nameOf({ guarantee, removed }: Removal): string {
  return `${guarantee.name} without ${removed.length === 1 ? removed[0]?.name : 'all that refuse'}`
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
