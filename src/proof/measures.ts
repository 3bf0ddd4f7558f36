import { z } from 'zod'

/** What is measured beside the promises: the health of database and generator, capacity, error rates, answer times, readiness. */

const verdict = z.enum(['PASS', 'FAIL', 'INCONCLUSIVE'])

/** A wait or a statement, and its text. */
const longest = z.object({ ms: z.number(), statement: z.string() })

/** What a monitor with one connection of its own saw while a scenario ran. Times in milliseconds. */
export const databaseHealth = z.object({
  samples: z.number().int(),
  /** The longest that a sample found running. */
  statement: longest.nullable(),
  lockWait: longest.nullable(),
  /** Sessions that waited for a lock at once, at most. */
  lockWaitsMax: z.number().int(),
  deadlocks: z.number().int(),
  /** Of all clients of the server, at most; `generator`: those of pgbench among them. */
  connectionsMax: z.number().int(),
  generatorConnections: z.number().int(),
  connectionsAllowed: z.number().int(),
  oldestTransactionMs: z.number(),
  /** Transactions since the oldest snapshot that was in use (age of backend_xmin). */
  oldestSnapshotXids: z.number().int(),
})

/** How the load generator itself did. */
export const generatorHealth = z.object({
  droppedIterations: z.number().int(),
  /** Null under k6, which has no event loop of one thread. */
  eventLoopDelayP99Ms: z.number().nullable(),
  /** CPU time over time: 1 is one core that was always busy. Null where the engine does not say. */
  cpuCores: z.number().nullable(),
})

/** A server under sustained load, as it told under /metrics. */
export const soak = z.object({
  /** What counts as a minute: 60,000, but for tests. */
  minuteMs: z.number(),
  samples: z.array(
    z.object({
      ms: z.number(),
      rssBytes: z.number(),
      heapBytes: z.number(),
      /** Connections to the database, those that nobody uses, and calls that wait for one. */
      open: z.number().int(),
      idle: z.number().int(),
      waiting: z.number().int(),
    }),
  ),
  openBefore: z.number().int(),
  openAfter: z.number().int(),
  inUseAfter: z.number().int(),
})

/** Answer times of one window of a run, in milliseconds from its start. */
export const timeWindow = z.object({
  ms: z.number(),
  count: z.number().int(),
  p50: z.number(),
  p95: z.number(),
  p99: z.number(),
})

const tableHealth = z.object({
  name: z.string(),
  live: z.number().int(),
  dead: z.number().int(),
  /** By hand or by autovacuum; null: never. */
  lastVacuum: z.string().nullable(),
  bytes: z.number().int(),
})

/** A statement of pg_stat_statements. Times in milliseconds. */
const statementHealth = z.object({
  statement: z.string(),
  calls: z.number().int(),
  meanMs: z.number(),
  maxMs: z.number(),
  totalMs: z.number(),
})

/** What the judgement of the load is made from, beside what each scenario has. */
export const health = z.object({
  /** In the main database of the run, from its first statement to the end of the load. */
  deadlocks: z.number().int(),
  tables: z.array(tableHealth),
  /** The longest first; null: the extension is not in the database of the run. */
  statements: z.array(statementHealth).nullable(),
  /** What the servers of the run counted; null where none has /metrics. */
  server: z
    .object({
      requests: z.number().int(),
      statuses: z.record(z.string(), z.number().int()),
      /** Answers by code, those without one left out. */
      codes: z.record(z.string(), z.number().int()),
    })
    .nullable(),
})

/** A share, and what it is made of; null where it cannot be said, with the reason in `from`. */
export const capacityMetric = z.object({
  name: z.string(),
  share: z.number().nullable(),
  part: z.number().int(),
  whole: z.number().int(),
  what: z.string(),
  from: z.string(),
})

export const errorRate = z.object({
  kind: z.string(),
  says: z.string(),
  times: z.number().int(),
  of: z.number().int(),
  shareMax: z.number(),
  verdict: verdict.or(z.literal('NOT SHOWN')),
  from: z.string(),
})

const percentiles = z.object({
  p50: z.number(),
  p90: z.number(),
  p99: z.number(),
  p999: z.number().nullable(),
})

/** Answer times of one kind of call, against what is aimed at and against a baseline. Milliseconds. */
export const answerTime = z.object({
  operation: z.string(),
  /** Scenario it was measured in; the reason where it was not. */
  from: z.string(),
  count: z.number().int(),
  measured: percentiles.nullable(),
  target: percentiles.nullable(),
  baseline: percentiles.nullable(),
  /** Share of calls that failed, and what the baseline allows. */
  failures: z.number().nullable(),
  failuresMax: z.number().nullable(),
  verdict: verdict.or(z.literal('NOT SHOWN')),
})

/** A point of the checklist, evaluated from what the run has seen. */
export const readinessPoint = z.object({
  name: z.string(),
  verdict: verdict.or(z.literal('NOT SHOWN')),
  evidence: z.string(),
})

const anyVerdict = z.string()
const change = z.object({ before: z.number().nullable(), now: z.number().nullable() })
const verdicts = z.object({ before: anyVerdict, now: anyVerdict })

const scenarioComparison = z.object({
  name: z.string(),
  /** False: another machine, profile or engine; the figures stand there, and are not set against each other. */
  isCompared: z.boolean(),
  engines: z.object({ before: z.string(), now: z.string() }).optional(),
  verdict: verdicts,
  p50: change,
  p95: change,
  perSecond: change,
  outcomes: z.array(z.object({ code: z.string(), before: z.number().int(), now: z.number().int() })),
})

/** This run beside an earlier one. */
export const comparison = z.object({
  earlier: z.object({ id: z.string(), startedAt: z.string(), version: z.string(), verdict: anyVerdict }),
  differences: z.array(z.object({ what: z.string(), before: z.string(), now: z.string() })),
  scenarios: z.array(scenarioComparison),
  onlyEarlier: z.array(z.string()),
  onlyNow: z.array(z.string()),
  guarantees: z.array(verdicts.extend({ name: z.string() })),
  failing: z.array(z.object({ name: z.string(), verdict, detail: z.string() })),
  mended: z.array(z.string()),
})

export type Comparison = z.infer<typeof comparison>
export type ScenarioComparison = z.infer<typeof scenarioComparison>
export type DatabaseHealth = z.infer<typeof databaseHealth>
export type GeneratorHealth = z.infer<typeof generatorHealth>
export type Soak = z.infer<typeof soak>
export type TableHealth = z.infer<typeof tableHealth>
export type StatementHealth = z.infer<typeof statementHealth>
export type Health = z.infer<typeof health>
export type CapacityMetric = z.infer<typeof capacityMetric>
export type ErrorRateResult = z.infer<typeof errorRate>
export type AnswerTime = z.infer<typeof answerTime>
export type ReadinessPoint = z.infer<typeof readinessPoint>
