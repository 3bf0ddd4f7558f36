import { type SuddenDeathResult, suddenDeath } from '../faults/sudden-death.ts'
import { UNEXPECTED } from '../faults/world.ts'
import type { Check, ScenarioResult } from '../results.ts'
import type { Report, Run } from '../run.ts'
import { reproduceCommand, scenarioResult } from '../scenarios/scenario-result.ts'

export const SUDDEN_DEATH = 'sudden-death'

const STORY =
  'Buyers write down what they are told while server and PostgreSQL are killed, every process at once; afterwards all of it is there.'

/** In a PostgreSQL of its own, that of nobody who sells; undefined where none may be killed. */
export async function runSuddenDeath(run: Run, report: Report): Promise<ScenarioResult | undefined> {
  if (run.openMortalWorld === undefined) return undefined
  const startedMs = performance.now()
  const { world, close } = await run.openMortalWorld()
  try {
    const result = await suddenDeath(world, { deaths: run.profile.deaths, report })
    const durationMs = Math.round(performance.now() - startedMs)
    const outcomes = [...result.counts].filter(([what]) => ANSWERS.test(what)).sort()
    const requests = outcomes.reduce((sum, [, times]) => sum + times, 0)
    return scenarioResult(run, {
      name: SUDDEN_DEATH,
      story: STORY,
      engine: 'chaos',
      engineVersion: run.run.version,
      file: 'src/proof/faults/sudden-death.ts',
      command: reproduceCommand(run, SUDDEN_DEATH),
      durationMs,
      requests,
      perSecond: requests / (durationMs / 1000),
      latencyMs: null,
      outcomes: Object.fromEntries(outcomes),
      mustHaveHappened: [
        { what: 'deaths of everything', times: result.counts.get('everything killed') ?? 0 },
        { what: 'orders acknowledged', times: result.acknowledged },
        { what: 'buyers cut off', times: result.counts.get('checkout cut off') ?? 0 },
      ],
      checks: checksOf(result),
    })
  } finally {
    await close()
  }
}

const ANSWERS = /^(unexpected |checkout[ :])/

function checksOf({ acknowledged, lost, changed, brokenLaws, counts }: SuddenDeathResult): Check[] {
  const unexpected = [...counts].filter(([what]) => what.startsWith(UNEXPECTED))
  return [
    {
      name: 'every acknowledged order is in the database, with its ticket',
      verdict: lost.length === 0 ? 'PASS' : 'FAIL',
      detail: `${acknowledged} acknowledged, ${lost.length} lost`,
      ...(lost.length === 0 ? {} : { witness: { order: lost[0] } }),
    },
    {
      name: 'the same key gets the same order',
      verdict: changed.length === 0 ? 'PASS' : 'FAIL',
      detail: `${changed.length} of ${acknowledged} got another answer`,
      ...(changed.length === 0 ? {} : { witness: changed[0] }),
    },
    {
      name: 'every answer is one that may be given',
      verdict: unexpected.length === 0 ? 'PASS' : 'FAIL',
      detail: unexpected.map(([what, times]) => `${times} × ${what}`).join(', ') || 'none was unexpected',
    },
    {
      name: 'every law holds after recovery',
      verdict: brokenLaws.length === 0 ? 'PASS' : 'FAIL',
      detail: brokenLaws.map(({ law }) => law).join(', ') || 'no row breaks one',
      ...(brokenLaws.length === 0 ? {} : { witness: brokenLaws[0] }),
    },
  ]
}
