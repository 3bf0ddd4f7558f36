import { z } from 'zod'
import {
  answerTime,
  capacityMetric,
  comparison,
  databaseHealth,
  errorRate,
  generatorHealth,
  health,
  readinessPoint,
  soak,
  timeWindow,
} from './measures.ts'

/** The version of results.json. A reader that knows another major number refuses the file. */
export const RESULTS_SCHEMA = 'admit-once/results/1'

const verdict = z.enum(['PASS', 'FAIL', 'INCONCLUSIVE'])

/** One thing that was looked at, as a sentence, and what was seen. */
const check = z.object({
  name: z.string(),
  verdict,
  /** What was seen: a figure, an answer, a reason. */
  detail: z.string(),
  /** Of a target: what it is about. */
  promise: z.string().optional(),
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
  /** The command that runs it again: by hand, or in a proof. */
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
  /** At the database: what each script did, and how long its statements took on average; absent over HTTP. */
  scripts: z
    .array(
      z.object({
        file: z.string(),
        weight: z.number().int(),
        latencyMs: latency,
        statements: z.array(
          z.object({
            text: z.string(),
            avgMs: z.number(),
            failures: z.number().int(),
            retries: z.number().int(),
          }),
        ),
      }),
    )
    .optional(),
  stock: z
    .object({
      total: z.number().int(),
      taken: z.array(
        z.object({ ms: z.number(), taken: z.number().int(), sold: z.number().int().optional() }),
      ),
    })
    .nullable(),
  checks: z.array(check),
  /** Of the database while it ran; absent where nobody watched, as where it is killed. */
  health: databaseHealth.optional(),
  /** Memory and connections of the server under sustained load. */
  soak: soak.optional(),
  /** Of the load generator; absent where another program was none of its own. */
  generator: generatorHealth.optional(),
  /** Trends of the script, by name. Milliseconds. */
  trendsMs: z.record(z.string(), latency).optional(),
  /** While something was broken on purpose, in milliseconds from the start of `stock`. */
  faults: z.array(z.object({ what: z.string(), fromMs: z.number(), toMs: z.number() })).optional(),
  /** Answer times over the run; absent where the engine does not say. */
  timeline: z.array(timeWindow).optional(),
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
  /** Did the guarantee's scenario over HTTP see it, too? Only where one was run. */
  seenOverHttp: z.boolean().optional(),
  /** Did verify_protections() name exactly what was removed? */
  named: z.boolean(),
  attempts: z.number().int(),
  outcomes: z.record(z.string(), z.number().int()),
  detail: z.string(),
})

/** Of orders that were not stepped, where no law broke: after one that breaks a law none is. */
export const NOT_STEPPED = 'were not possible, or PostgreSQL gave a lock that two waited for to the other one'

const interleaving = z.object({
  /** Sessions that want the same thing, at one isolation level. */
  race: z.string(),
  story: z.string(),
  guarantees: z.array(z.string()),
  isolation: z.enum(['read committed', 'repeatable read', 'serializable']),
  /** Who they are, in the order of `ends`. */
  sessions: z.array(z.string()),
  /** All orders that keep each session's own, and those of them that were stepped: the others are `NOT_STEPPED`. */
  orders: z.number().int(),
  stepped: z.number().int(),
  /** How often a session waited for a lock of another, and how often all that were left did. */
  waits: z.number().int(),
  deadlocks: z.number().int(),
  /** Orders in which a session was told to retry (40001). */
  retries: z.number().int(),
  /** What the sessions were told, and how things stood: in how many orders. */
  ends: z.record(z.string(), z.number().int()),
  verdict,
  durationMs: z.number(),
  checks: z.array(check),
})

/** A scenario that a run or its database cannot show. */
const leftOut = z.object({ name: z.string(), why: z.string() })

const stage = z.object({
  name: z.enum([
    'preflight',
    'protections',
    'functional',
    'interleavings',
    'database',
    'http',
    'faults',
    'health',
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
  /** What it did not run though it was asked for; absent where there is none. */
  leftOut: z.array(leftOut).optional(),
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
  /** Comparisons of answers and rows, of a target only. */
  checks: z.object({ passed: z.number().int(), total: z.number().int() }).optional(),
})

/** Somebody else's system. */
const target = z.object({
  name: z.string(),
  /** The adapter's file. */
  adapter: z.string(),
  urls: z.array(z.string()),
  /** Made, and announced at most. */
  requests: z.number().int(),
  requestsMax: z.number().int(),
  /** Promises of which nothing can be said, and why. */
  notShown: z.array(z.object({ name: z.string(), why: z.string() })),
  /** What could not be cleaned up. */
  leftBehind: z.array(z.string()),
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
    /** Null for a target, whose database nobody has to know. */
    postgres: z
      .object({
        version: z.string(),
        source: z.enum(['embedded', 'DATABASE_URL']),
        fsync: z.string(),
        synchronousCommit: z.string(),
        maxConnections: z.number().int(),
      })
      .nullable(),
    k6: z.string().nullable(),
    pgbench: z.string().nullable(),
    /** Where load generator, server and database ran. */
    placement: z.string(),
  }),
  /** Absent where the run is about this product itself. */
  target: target.optional(),
  stages: z.array(stage),
  scenarios: z.array(scenario),
  guarantees: z.array(guaranteeResult),
  interleavings: z.array(interleaving),
  sabotage: z.array(sabotage),
  /** What the load was like; absent where none ran, and in files of older versions. */
  health: health.optional(),
  capacity: z.array(capacityMetric).optional(),
  errorRates: z.array(errorRate).optional(),
  answerTimes: z.array(answerTime).optional(),
  readiness: z.array(readinessPoint).optional(),
  /** Where an earlier run was named. */
  comparison: comparison.optional(),
})

export type Verdict = z.infer<typeof verdict>
export type Check = z.infer<typeof check>
export type Latency = z.infer<typeof latency>
export type ScenarioResult = z.infer<typeof scenario>
export type InterleavingResult = z.infer<typeof interleaving>
export type SabotageResult = z.infer<typeof sabotage>
export type LeftOut = z.infer<typeof leftOut>
export type StageResult = z.infer<typeof stage>
export type GuaranteeResult = z.infer<typeof guaranteeResult>
export type Results = z.infer<typeof results>

/** The worst of several: FAIL before INCONCLUSIVE before PASS. */
export function worst(verdicts: readonly (Verdict | 'SKIPPED')[]): Verdict {
  return verdicts.includes('FAIL') ? 'FAIL' : verdicts.includes('INCONCLUSIVE') ? 'INCONCLUSIVE' : 'PASS'
}
