import type { Comparison, ScenarioComparison } from '../measures.ts'
import type { Check, Results, ScenarioResult } from '../results.ts'

/**
 * A run beside an earlier one. Verdicts and checks compare anywhere; figures only on the same machine, with the same PostgreSQL,
 * profile and engine: else both stand there, and what differs is named.
 */
export function compareRuns(earlier: Results, now: Results): Comparison {
  const differences = differencesOf(earlier, now)
  return {
    earlier: {
      id: earlier.run.id,
      startedAt: earlier.run.startedAt,
      version: earlier.product.version,
      verdict: earlier.verdict,
    },
    differences,
    scenarios: now.scenarios.flatMap((scenario) => {
      const before = earlier.scenarios.find(({ name }) => name === scenario.name)
      return before === undefined ? [] : [compareScenario(before, scenario, differences.length === 0)]
    }),
    onlyEarlier: missing(earlier.scenarios, now.scenarios),
    onlyNow: missing(now.scenarios, earlier.scenarios),
    guarantees: now.guarantees.flatMap(({ name, verdict }) => {
      const before = earlier.guarantees.find((guarantee) => guarantee.name === name)?.verdict
      return before === undefined || before === verdict ? [] : [{ name, before, now: verdict }]
    }),
    ...changedChecks(checksIn(earlier), checksIn(now)),
  }
}

/** What makes the figures of two runs those of different things. */
function differencesOf(earlier: Results, now: Results): Comparison['differences'] {
  const facts = ({ environment, run }: Results): Readonly<Record<string, string>> => ({
    profile: run.profile,
    processor: environment.cpu,
    cores: String(environment.cores),
    memory: `${(environment.memoryBytes / 1024 ** 3).toFixed(0)} GB`,
    system: environment.platform,
    node: environment.node,
    PostgreSQL: environment.postgres?.version ?? 'unknown',
    'where PostgreSQL is': environment.postgres?.source ?? 'unknown',
    fsync: environment.postgres?.fsync ?? 'unknown',
    synchronous_commit: environment.postgres?.synchronousCommit ?? 'unknown',
    placement: environment.placement,
  })
  const before = facts(earlier)
  return Object.entries(facts(now)).flatMap(([what, value]) =>
    before[what] === value ? [] : [{ what, before: before[what] ?? 'unknown', now: value }],
  )
}

function compareScenario(
  before: ScenarioResult,
  now: ScenarioResult,
  isSameMachine: boolean,
): ScenarioComparison {
  const engineOf = ({ engine, engineVersion }: ScenarioResult) => `${engine} ${engineVersion}`
  const isSameEngine = engineOf(before) === engineOf(now)
  return {
    name: now.name,
    isCompared: isSameMachine && isSameEngine,
    ...(isSameEngine ? {} : { engines: { before: engineOf(before), now: engineOf(now) } }),
    verdict: { before: before.verdict, now: now.verdict },
    p50: { before: before.latencyMs?.p50 ?? null, now: now.latencyMs?.p50 ?? null },
    p95: { before: before.latencyMs?.p95 ?? null, now: now.latencyMs?.p95 ?? null },
    perSecond: { before: before.perSecond, now: now.perSecond },
    outcomes: changedCounts(before.outcomes, now.outcomes),
  }
}

/** Answers whose number is another than it was. */
function changedCounts(
  before: ScenarioResult['outcomes'],
  now: ScenarioResult['outcomes'],
): ScenarioComparison['outcomes'] {
  const codes = [...new Set([...Object.keys(before), ...Object.keys(now)])]
  return codes
    .map((code) => ({ code, before: before[code] ?? 0, now: now[code] ?? 0 }))
    .filter((count) => count.before !== count.now)
}

function missing(of: readonly ScenarioResult[], from: readonly ScenarioResult[]): string[] {
  return of.map(({ name }) => name).filter((name) => !from.some((scenario) => scenario.name === name))
}

function checksIn({ stages }: Results): ReadonlyMap<string, Check> {
  return new Map(
    stages.flatMap(({ title, checks }) => checks.map((check) => [`${title}: ${check.name}`, check] as const)),
  )
}

/** Of the checks that both runs had. */
function changedChecks(
  before: ReadonlyMap<string, Check>,
  now: ReadonlyMap<string, Check>,
): Pick<Comparison, 'failing' | 'mended'> {
  const both = [...now].filter(([name]) => before.has(name))
  const passed = (name: string) => before.get(name)?.verdict === 'PASS'
  return {
    failing: both
      .filter(([name, { verdict }]) => passed(name) && verdict !== 'PASS')
      .map(([name, { verdict, detail }]) => ({ name, verdict, detail })),
    mended: both.filter(([name, { verdict }]) => !passed(name) && verdict === 'PASS').map(([name]) => name),
  }
}
