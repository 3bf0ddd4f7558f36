/** Runs as results.json would tell them: one that passed, one that failed, one that shows too little, one that is hostile. */
import { RESULTS_SCHEMA, type Results, type SabotageResult } from '../../src/proof/results.ts'
import { MEASURES, WATCHED } from './report-measures.ts'

export const COMMAND =
  "K6_AUTO_EXTENSION_RESOLUTION=false k6 run --summary-trend-stats 'avg,min,med,max,p(50),p(90),p(95),p(99),p(99.9),count' " +
  '--env SUPABASE_ANON_KEY="$SUPABASE_ANON_KEY" --env USERS=200 --env STOCK=50 ' +
  `--env RESULTS_DIR=/a/folder/${'that-has-a-long-name/'.repeat(6)} load-tests/scenarios/concurrent-checkout.ts`

const HOSTILE =
  '</script><script>alert(1)</script><img src=//evil.example/x onerror="alert(1)">\u001b[31m\u0007\u202e'

function sabotaged(guarantee: string, removed: string[], kind: SabotageResult['kind']): SabotageResult {
  const survives = kind === 'one refusing'
  return {
    guarantee,
    removed,
    kind,
    expected: survives ? 'survives' : 'caught',
    seen: survives ? 'survived' : 'caught',
    verdict: 'PASS',
    laws: survives ? [] : [guarantee.replaceAll('-', '_')],
    ...(survives ? {} : { witness: { held: 116, sold: 15, total_quantity: 20, too_many: 111 } }),
    named: true,
    attempts: 250,
    outcomes: { 'raw: written': 105, success: 61, 'raw: 23514': 39, INSUFFICIENT_TICKETS: 45 },
    detail: survives ? 'the others held' : 'never_oversold saw it',
  }
}

const OVERSOLD_SABOTAGE = [
  sabotaged('never-oversold', ['decision under the tier lock'], 'one refusing'),
  sabotaged('never-oversold', ['check_sold_lte_total'], 'one refusing'),
  sabotaged('never-oversold', ['trg_sync_sold_quantity'], 'one counting'),
  sabotaged('never-oversold', ['decision under the tier lock', 'check_sold_lte_total'], 'all refusing'),
]

export const PASSING: Results = {
  schema: RESULTS_SCHEMA,
  product: { name: 'admit-once', version: '0.1.0' },
  run: {
    id: '20261121-123057-4711',
    profile: 'quick',
    seed: 42,
    startedAt: '2026-11-21T12:30:57.036Z',
    finishedAt: '2026-11-21T12:31:17.799Z',
    durationMs: 20763,
    command: 'npx admit-once prove --profile quick --seed 42',
  },
  verdict: 'PASS',
  reasons: [],
  environment: {
    node: 'v24.21.0',
    platform: 'linux x64',
    cpu: 'Intel(R) Xeon(R) Processor',
    cores: 2,
    memoryBytes: 25276502016,
    postgres: {
      version: '18.4',
      source: 'embedded',
      fsync: 'on',
      synchronousCommit: 'on',
      maxConnections: 250,
    },
    k6: 'v1.8.1',
    pgbench: null,
    placement: 'load generator, server and database on this machine',
  },
  stages: [
    {
      name: 'preflight',
      title: 'Preflight',
      verdict: 'PASS',
      durationMs: 2,
      checks: [{ name: 'commits are durable', verdict: 'PASS', detail: 'fsync on, synchronous_commit on' }],
    },
    {
      name: 'http',
      title: 'HTTP load',
      verdict: 'PASS',
      durationMs: 4461,
      checks: [
        {
          name: 'concurrent-checkout: 50 of 50 tickets are sold',
          verdict: 'PASS',
          detail: '50 tickets in the database',
          reproduce: COMMAND,
        },
      ],
      leftOut: [
        { name: 'last-ticket-duel', why: 'the profile quick has no time for it' },
        { name: 'refund-and-resell', why: 'the profile quick has no time for it' },
        { name: 'dashboard-load', why: 'the database gives no changes' },
      ],
    },
    { name: 'sabotage', title: 'Sabotage', verdict: 'PASS', durationMs: 9888, checks: [] },
    { name: 'interleavings', title: 'Interleavings', verdict: 'PASS', durationMs: 3100, checks: [] },
  ],
  scenarios: [
    {
      name: 'concurrent-checkout',
      story: 'Two hundred buyers press "buy" at the same moment, and there are fifty tickets.',
      guarantees: ['never-oversold'],
      engine: 'k6',
      engineVersion: 'v1.8.1',
      file: 'load-tests/scenarios/concurrent-checkout.ts',
      command: COMMAND,
      verdict: 'PASS',
      durationMs: 731.2,
      requests: 200,
      perSecond: 344.9,
      latencyMs: { p50: 152.9, p90: 200.7, p95: 214.2, p99: 433.9, p999: 436.1, max: 436.5, count: 200 },
      outcomes: { success: 50, INSUFFICIENT_TICKETS: 150 },
      mustHaveHappened: [
        { what: 'tickets sold', times: 50 },
        { what: 'buyers told that it is sold out', times: 150 },
      ],
      thresholds: [
        { metric: 'successful_checkouts', threshold: 'count==50', ok: true },
        { metric: 'http_req_duration', threshold: 'p(95)<10000', ok: true },
      ],
      stock: {
        total: 50,
        taken: [
          { ms: 4, taken: 0 },
          { ms: 217, taken: 0 },
          { ms: 320, taken: 5 },
          { ms: 478, taken: 21 },
          { ms: 634, taken: 50 },
          { ms: 790, taken: 50 },
        ],
      },
      checks: [],
      ...WATCHED,
    },
  ],
  guarantees: [
    {
      number: 1,
      name: 'never-oversold',
      promise: 'Sold and held tickets together never exceed the tier, at any instant.',
      verdict: 'PASS',
      protections: { active: 19, total: 19 },
      laws: [{ name: 'never_oversold', rows: 0, witnesses: [] }],
      scenarios: ['concurrent-checkout'],
      sabotage: { caught: 2, survived: 2, total: 4 },
    },
    {
      number: 7,
      name: 'same-request-same-answer',
      promise: 'A repeated idempotency key gets what the first call won.',
      verdict: 'NOT SHOWN',
      protections: { active: 3, total: 3 },
      laws: [{ name: 'same_request_same_answer', rows: 0, witnesses: [] }],
      scenarios: [],
      sabotage: { caught: 0, survived: 0, total: 0 },
    },
  ],
  interleavings: [
    {
      race: 'last ticket',
      story: 'Two buyers, one ticket: one holds it, the other is told.',
      guarantees: ['never-oversold'],
      isolation: 'read committed',
      sessions: ['buyer 1', 'buyer 2'],
      orders: 20,
      stepped: 14,
      waits: 6,
      deadlocks: 0,
      retries: 0,
      ends: { 'success | INSUFFICIENT_TICKETS': 7, 'INSUFFICIENT_TICKETS | success': 7 },
      verdict: 'PASS',
      durationMs: 120,
      checks: [],
    },
    {
      race: 'last ticket',
      story: 'Two buyers, one ticket: one holds it, the other is told.',
      guarantees: ['never-oversold'],
      isolation: 'serializable',
      sessions: ['buyer 1', 'buyer 2'],
      orders: 20,
      stepped: 20,
      waits: 0,
      deadlocks: 0,
      retries: 18,
      ends: {
        'success | INSUFFICIENT_TICKETS': 1,
        'INSUFFICIENT_TICKETS | success': 1,
        'success | 40001': 18,
      },
      verdict: 'PASS',
      durationMs: 150,
      checks: [],
    },
  ],
  sabotage: OVERSOLD_SABOTAGE,
  ...MEASURES,
}

/** The 51st ticket was sold, and one sabotage was missed. */
export const FAILING = changed((results) => {
  const [scenario] = results.scenarios
  const [guarantee] = results.guarantees
  const [, http, sabotage] = results.stages
  const last = results.sabotage.at(-1)
  if (!scenario?.stock || !guarantee || !http || !sabotage || !last) throw new Error('the example changed')
  const witness = { id: '01a1fe16-ba09-7d56-9bf7-ebc6bcfc66ce', order_id: 'f78c165d', status: 'valid' }
  results.verdict = guarantee.verdict = scenario.verdict = http.verdict = sabotage.verdict = 'FAIL'
  scenario.outcomes = { success: 51, INSUFFICIENT_TICKETS: 148, unexpected: 1 }
  scenario.mustHaveHappened[0] = { what: 'tickets sold', times: 51 }
  scenario.stock.taken.push({ ms: 820, taken: 51 })
  scenario.thresholds[0] = { metric: 'successful_checkouts', threshold: 'count==50', ok: false }
  guarantee.laws = [{ name: 'never_oversold', rows: 1, witnesses: [{ sold: 51, total_quantity: 50 }] }]
  scenario.checks = [
    { name: '50 of 50 tickets are sold', verdict: 'FAIL', detail: '51 tickets in the database' },
  ]
  http.reason = 'concurrent-checkout: 50 of 50 tickets are sold'
  http.checks = [
    {
      name: http.reason,
      verdict: 'FAIL',
      detail: '51 tickets in the database',
      witness,
      reproduce: COMMAND,
    },
  ]
  last.seen = 'missed'
  last.verdict = 'FAIL'
  last.laws = []
  last.detail = 'no law of this guarantee saw it'
  guarantee.sabotage = { caught: 1, survived: 2, total: 4 }
  sabotage.checks = [
    {
      name: 'never-oversold without all refusing protections is caught',
      verdict: 'FAIL',
      detail: last.detail,
      witness: last.outcomes,
    },
  ]
  results.reasons = [
    'HTTP load: concurrent-checkout: 50 of 50 tickets are sold (51 tickets in the database)',
    'Sabotage: never-oversold without all refusing protections is caught (no law of this guarantee saw it)',
  ]
})

/** Nobody was told that it is sold out, and the sabotage was left out. */
export const UNCERTAIN = changed((results) => {
  const [scenario] = results.scenarios
  const [guarantee] = results.guarantees
  const [, http, sabotage] = results.stages
  if (!scenario || !guarantee || !http || !sabotage) throw new Error('the example changed')
  results.verdict = scenario.verdict = guarantee.verdict = http.verdict = 'INCONCLUSIVE'
  scenario.outcomes = { success: 50 }
  scenario.latencyMs = null
  scenario.stock = { total: 50, taken: [] }
  scenario.mustHaveHappened = [
    { what: 'tickets sold', times: 50 },
    { what: 'buyers told that it is sold out', times: 0 },
  ]
  http.checks.push({
    name: 'it happened: buyers told that it is sold out',
    verdict: 'INCONCLUSIVE',
    detail: '0 times',
  })
  sabotage.verdict = 'SKIPPED'
  sabotage.reason = 'only some scenarios were asked for'
  results.sabotage = []
  const interleavings = results.stages.at(-1)
  if (!interleavings) throw new Error('the example changed')
  interleavings.verdict = 'SKIPPED'
  interleavings.reason = 'another scenario was asked for'
  results.interleavings = []
  guarantee.sabotage = { caught: 0, survived: 0, total: 0 }
  results.reasons = ['HTTP load: it happened: buyers told that it is sold out (0 times)']
})

/** Everything that a run may write is as long, as foreign and as hostile as it can be. */
const EXTREME = changed((results) => {
  const [scenario] = results.scenarios
  const [guarantee] = results.guarantees
  const [, http] = results.stages
  const [removal] = results.sabotage
  if (!scenario || !guarantee || !http || !removal) throw new Error('the example changed')
  const long = `a-name-without-end-${'x'.repeat(180)}`
  const foreign = `大阪城ホール 東京ドーム 🎫👩‍👩‍👧 Zoë ${'座席'.repeat(40)}`
  results.verdict = http.verdict = 'FAIL'
  results.reasons = [`HTTP load: ${HOSTILE} (${foreign})`, `Preflight: ${long}`]
  scenario.name = long
  scenario.story = foreign
  scenario.command = `${COMMAND} '${HOSTILE}'`
  scenario.outcomes = { [HOSTILE]: 1_234_567, [long]: 0, success: 1 }
  scenario.mustHaveHappened.push({ what: foreign, times: 9_007_199_254_740_991 })
  guarantee.name = removal.guarantee = long
  guarantee.promise = HOSTILE
  guarantee.scenarios = [long]
  guarantee.laws = [{ name: long, rows: 12_345_678, witnesses: [{ html: HOSTILE }] }]
  removal.removed = [HOSTILE]
  const [race] = results.interleavings
  if (!race) throw new Error('the example changed')
  race.race = long
  race.story = foreign
  race.sessions = [HOSTILE, foreign]
  race.ends = { [HOSTILE]: 1_234_567, [long]: 1 }
  removal.witness = { name: HOSTILE, rows: Array.from({ length: 200 }, (_, row) => ({ row, foreign })) }
  http.title = foreign
  const [point] = results.readiness ?? []
  const [table] = results.health?.tables ?? []
  if (!point || !table || !results.health?.server || !scenario.health) throw new Error('the example changed')
  point.evidence = table.name = HOSTILE
  results.health.server.codes = { [HOSTILE]: 9, [long]: 1 }
  scenario.health.statement = { ms: 1_234_567, statement: HOSTILE }
  http.leftOut = [{ name: long, why: HOSTILE }]
  http.checks.push({
    name: HOSTILE,
    verdict: 'FAIL',
    detail: `${long}\n${foreign}\nthird line`,
    witness: removal.witness,
    reproduce: scenario.command,
  })
})

export const EXAMPLES = { PASSING, FAILING, UNCERTAIN, EXTREME }

function changed(change: (results: Results) => void): Results {
  const results = structuredClone(PASSING)
  change(results)
  return results
}
