import type { Results, ScenarioResult } from '../../src/proof/results.ts'

/** What was measured beside the promises in the run that passed. */
export const WATCHED = {
  health: {
    samples: 12,
    statement: { ms: 412.5, statement: 'select reserve_tickets_atomically($1, 1)' },
    lockWait: { ms: 380.1, statement: 'select reserve_tickets_atomically($1, 1)' },
    lockWaitsMax: 19,
    deadlocks: 0,
    connectionsMax: 36,
    generatorConnections: 0,
    connectionsAllowed: 250,
    oldestTransactionMs: 412.5,
    oldestSnapshotXids: 94,
  },
  generator: { droppedIterations: 0, eventLoopDelayP99Ms: 5.2, cpuCores: 0.31 },
  faults: [{ what: 'server killed', fromMs: 300, toMs: 480 }],
  timeline: [
    { ms: 0, count: 40, p50: 90, p95: 140, p99: 150 },
    { ms: 100, count: 60, p50: 160, p95: 220, p99: 434 },
    { ms: 200, count: 60, p50: 160, p95: 220, p99: 300 },
    { ms: 300, count: 40, p50: 100, p95: 120, p99: 130 },
  ],
} satisfies Partial<ScenarioResult>

export const MEASURES = {
  health: {
    deadlocks: 0,
    tables: [
      { name: 'ticket_holds', live: 634, dead: 857, lastVacuum: null, bytes: 581_632 },
      { name: 'orders', live: 390, dead: 187, lastVacuum: '2026-11-21T12:31:00Z', bytes: 540_672 },
    ],
    statements: [{ statement: 'select $1', calls: 9, meanMs: 0.2, maxMs: 12, totalMs: 1.8 }],
    server: { requests: 200, statuses: { 200: 50, 409: 150 }, codes: { INSUFFICIENT_TICKETS: 150 } },
  },
  capacity: [
    {
      name: 'inventory utilization',
      share: 1,
      part: 50,
      whole: 50,
      what: 'places sold or held in the end, of those that had more buyers',
      from: 'tickets and ticket_holds of concurrent-checkout',
    },
    {
      name: 'hold expiration rate',
      share: null,
      part: 0,
      whole: 0,
      what: 'holds that ended unused, of all',
      from: 'nothing was held over HTTP in this run',
    },
  ],
  errorRates: [
    {
      kind: 'server_error',
      says: '500: a bug, or an outage that has no code',
      times: 0,
      of: 200,
      shareMax: 0.001,
      verdict: 'PASS',
      from: '200 requests that the server counted, 0 transactions by pgbench',
    },
  ],
  answerTimes: [
    {
      operation: 'checkout',
      from: 'ticketing-flow',
      count: 458,
      measured: { p50: 112.8, p90: 357.3, p99: 433.1, p999: null },
      target: { p50: 2_000, p90: 4_000, p99: 8_000, p999: 20_000 },
      baseline: { p50: 1_600, p90: 3_200, p99: 6_000, p999: null },
      failures: 0,
      failuresMax: 0.02,
      verdict: 'PASS',
    },
    {
      operation: 'payment webhook',
      from: 'webhook-burst did not run, or did not measure it',
      count: 0,
      measured: null,
      target: { p50: 4_000, p90: 8_000, p99: 16_000, p999: null },
      baseline: null,
      failures: null,
      failuresMax: null,
      verdict: 'NOT SHOWN',
    },
  ],
  readiness: [
    {
      name: 'Functional stories in SQL pass, one session at a time',
      verdict: 'PASS',
      evidence: '6 of 6 checks passed',
    },
    { name: 'Holds end on time', verdict: 'NOT SHOWN', evidence: 'nothing of it ran in this run' },
  ],
} satisfies Partial<Results>
