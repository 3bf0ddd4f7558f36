import { GUARANTEES, type Guarantee } from '../core/guarantees.ts'
import { readinessOf } from './readiness.ts'
import { type GuaranteeResult, RESULTS_SCHEMA, type Results, type StageResult, worst } from './results.ts'
import type { Run } from './run.ts'

/** The verdict of a run: PASS needs every check, law, sabotage and "must have happened" counter. */
export function conclude(run: Run, stages: readonly StageResult[]): Results {
  const finishedAt = run.clock()
  const { environment } = run
  if (environment === undefined) throw new Error('the preflight did not run')
  // Skipped stages do not count; a PASS names them, so that it claims no more than was seen.
  const verdict = worst(stages.map((stage) => stage.verdict))
  const results: Results = {
    schema: RESULTS_SCHEMA,
    product: { name: 'admit-once', version: run.run.version },
    run: {
      id: run.run.id,
      profile: run.profile.name,
      seed: run.seed,
      startedAt: run.run.startedAt.toISOString(),
      finishedAt: finishedAt.toISOString(),
      durationMs: finishedAt.getTime() - run.run.startedAt.getTime(),
      command: run.run.command,
    },
    verdict,
    reasons: verdict === 'PASS' ? [] : reasonsOf(stages),
    environment,
    stages: [...stages],
    scenarios: run.scenarios,
    guarantees: GUARANTEES.map((guarantee) => guaranteeOf(run, guarantee)),
    interleavings: run.interleavings,
    sabotage: run.sabotage,
    ...run.measures,
  }
  return { ...results, readiness: [...readinessOf(results)] }
}

function reasonsOf(stages: readonly StageResult[]): string[] {
  return stages.flatMap((stage) =>
    stage.checks
      .filter((check) => check.verdict !== 'PASS')
      .map((check) => `${stage.title}: ${check.name} (${check.detail})`),
  )
}

/** A guarantee is judged by its laws, its protections, the scenarios that put it under load, the orders of its races, and its sabotage. */
function guaranteeOf(run: Run, { name, number, promise, laws: lawNames }: Guarantee): GuaranteeResult {
  const laws = lawNames.map((law) => {
    const broken = run.laws.find((row) => row.law === law)
    return { name: law, rows: broken?.rows ?? 0, witnesses: [...(broken?.witnesses ?? [])] }
  })
  const scenarios = run.scenarios.filter(({ guarantees }) => guarantees.includes(name))
  const interleavings = run.interleavings.filter(({ guarantees }) => guarantees.includes(name))
  const sabotage = run.sabotage.filter(({ guarantee }) => guarantee === name)
  const protections = run.protections.filter(({ guarantee }) => guarantee === name)
  const verdict = worst([
    ...laws.map((law) => (law.rows > 0 ? ('FAIL' as const) : ('PASS' as const))),
    ...protections.map((row) => (row.active ? ('PASS' as const) : ('FAIL' as const))),
    ...scenarios.map((scenario) => scenario.verdict),
    ...interleavings.map((interleaving) => interleaving.verdict),
    ...sabotage.map((result) => result.verdict),
  ])
  return {
    number,
    name,
    promise,
    verdict: verdict === 'PASS' && scenarios.length === 0 ? 'NOT SHOWN' : verdict,
    protections: { active: protections.filter((row) => row.active).length, total: protections.length },
    laws,
    scenarios: scenarios.map((scenario) => scenario.name),
    sabotage: {
      caught: sabotage.filter((result) => result.seen === 'caught').length,
      survived: sabotage.filter((result) => result.seen === 'survived').length,
      total: sabotage.length,
    },
  }
}
