import { availableParallelism } from 'node:os'
import type { Check, SabotageResult } from '../results.ts'
import type { Report, Run, Stage } from '../run.ts'
import type { AttackDatabases } from '../run-databases.ts'
import { atOnce } from '../sabotage/at-once.ts'
import { type Removal, removals, sabotage } from '../sabotage/sabotage.ts'

/**
 * Attacks at once, each in a database of its own: callers of one attack mostly wait for one another and for the disk, so one
 * attack leaves a second core idle. Each has about a dozen connections, and a server may have a hundred.
 */
const ATTACKS_MAX = 4

/** Protections are taken away, one at a time and all together, to see that the proof can fail. */
export const sabotageStage: Stage = {
  name: 'sabotage',
  title: 'Sabotage',
  skip: (run) => (run.only.length > 0 ? 'only some scenarios were asked for' : undefined),
  work: async (run, report) => {
    report('making databases to attack')
    const databases = await run.openAttackDatabases()
    try {
      // In the order of the report, once all are there.
      run.sabotage.splice(0, Number.POSITIVE_INFINITY, ...(await attackAll(run, databases, report)))
    } finally {
      await databases.close()
    }
    return run.sabotage.map(checkOf)
  },
}

async function attackAll(run: Run, databases: AttackDatabases, report: Report): Promise<SabotageResult[]> {
  const all = removals()
  let done = 0
  return atOnce(Math.min(availableParallelism(), ATTACKS_MAX), all, async (removal) => {
    report(`${done} of ${all.length} done, now ${nameOf(removal)}`)
    run.signal.throwIfAborted()
    const result = await sabotage(databases, removal, run.seed)
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
