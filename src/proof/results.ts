import { z } from 'zod'

/** The version of results.json. A reader that knows another major number refuses the file. */
export const RESULTS_SCHEMA = 'admit-once/results/1'

const verdict = z.enum(['PASS', 'FAIL', 'INCONCLUSIVE'])

/** One thing that was looked at, as a sentence, and what was seen. */
const check = z.object({
  name: z.string(),
  verdict,
  /** What was seen: a figure, an answer, a reason. */
  detail: z.string(),
  /** For a failure: the smallest rows that show it, and how to see it again. */
  witness: z.unknown().optional(),
  reproduce: z.string().optional(),
})

const latency = z.object({
  p50: z.number(),
  p90: z.number(),
  p95: z.number(),
  p99: z.number(),
  p999: z.number().nullable(),
  max: z.number(),
  count: z.number().int(),
})

const scenario = z.object({
  name: z.string(),
  /** Who, when, what must hold: one sentence. */
  story: z.string(),
  guarantees: z.array(z.string()),
  engine: z.string(),
  engineVersion: z.string(),
  /** The script, relative to the repository. */
  file: z.string(),
  /** The command that runs it again by hand. */
  command: z.string(),
  verdict,
  durationMs: z.number(),
  /** Requests or transactions, and how many a second. */
  requests: z.number().int(),
  perSecond: z.number(),
  /** Milliseconds. */
  latencyMs: latency.nullable(),
  /** How often each answer came: 'success', then the codes of refusals, then errors. */
  outcomes: z.record(z.string(), z.number().int()),
  /** What must have happened at least once for the run to mean something. */
  mustHaveHappened: z.array(z.object({ what: z.string(), times: z.number().int() })),
  thresholds: z.array(z.object({ metric: z.string(), threshold: z.string(), ok: z.boolean() })),
  /** Places of the tier, and how many were sold or held after each part of the run (milliseconds from its start). */
  stock: z
    .object({
      total: z.number().int(),
      taken: z.array(z.object({ ms: z.number(), taken: z.number().int() })),
    })
    .nullable(),
  checks: z.array(check),
})

const sabotage = z.object({
  guarantee: z.string(),
  /** Names of the protections that were taken away. */
  removed: z.array(z.string()),
  kind: z.enum(['one refusing', 'one alone', 'one counting', 'all refusing']),
  /** What must be seen: the promise survives, or the law catches what broke. */
  expected: z.enum(['survives', 'caught']),
  seen: z.enum(['survived', 'caught', 'missed', 'broken']),
  verdict,
  /** The laws that found rows, and one row. */
  laws: z.array(z.string()),
  witness: z.unknown().optional(),
  /** Did verify_protections() name exactly what was removed? */
  named: z.boolean(),
  attempts: z.number().int(),
  outcomes: z.record(z.string(), z.number().int()),
  detail: z.string(),
})

const stage = z.object({
  name: z.enum([
    'preflight',
    'protections',
    'functional',
    'database',
    'http',
    'faults',
    'judgement',
    'sabotage',
    'report',
  ]),
  title: z.string(),
  verdict: verdict.or(z.literal('SKIPPED')),
  /** Why it was skipped or is not a PASS. */
  reason: z.string().optional(),
  durationMs: z.number(),
  checks: z.array(check),
})

const guaranteeResult = z.object({
  number: z.number().int(),
  name: z.string(),
  promise: z.string(),
  /** NOT SHOWN: its law is empty, but nothing in this run put it under load. */
  verdict: verdict.or(z.literal('NOT SHOWN')),
  protections: z.object({ active: z.number().int(), total: z.number().int() }),
  laws: z.array(z.object({ name: z.string(), rows: z.number().int(), witnesses: z.array(z.unknown()) })),
  scenarios: z.array(z.string()),
  sabotage: z.object({ caught: z.number().int(), survived: z.number().int(), total: z.number().int() }),
})

/** results.json: everything the verdict, the terminal's table and report.html are made from. */
export const results = z.object({
  schema: z.literal(RESULTS_SCHEMA),
  product: z.object({ name: z.literal('admit-once'), version: z.string() }),
  run: z.object({
    id: z.string(),
    profile: z.string(),
    seed: z.number().int(),
    startedAt: z.iso.datetime(),
    finishedAt: z.iso.datetime(),
    durationMs: z.number(),
    command: z.string(),
  }),
  verdict,
  /** Why the verdict is not PASS; empty for PASS. */
  reasons: z.array(z.string()),
  environment: z.object({
    node: z.string(),
    platform: z.string(),
    cpu: z.string(),
    cores: z.number().int(),
    memoryBytes: z.number(),
    postgres: z.object({
      version: z.string(),
      source: z.enum(['embedded', 'DATABASE_URL']),
      fsync: z.string(),
      synchronousCommit: z.string(),
      maxConnections: z.number().int(),
    }),
    k6: z.string().nullable(),
    pgbench: z.string().nullable(),
    /** Where load generator, server and database ran. */
    placement: z.string(),
  }),
  stages: z.array(stage),
  scenarios: z.array(scenario),
  guarantees: z.array(guaranteeResult),
  sabotage: z.array(sabotage),
})

export type Verdict = z.infer<typeof verdict>
export type Check = z.infer<typeof check>
export type Latency = z.infer<typeof latency>
export type ScenarioResult = z.infer<typeof scenario>
export type SabotageResult = z.infer<typeof sabotage>
export type StageResult = z.infer<typeof stage>
export type GuaranteeResult = z.infer<typeof guaranteeResult>
export type Results = z.infer<typeof results>

/** The worst of several: FAIL before INCONCLUSIVE before PASS. */
export function worst(verdicts: readonly (Verdict | 'SKIPPED')[]): Verdict {
  return verdicts.includes('FAIL') ? 'FAIL' : verdicts.includes('INCONCLUSIVE') ? 'INCONCLUSIVE' : 'PASS'
}
