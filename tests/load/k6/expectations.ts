/** One script with its variables, and what both engines must make of it. */
export interface Expectation {
  readonly name: string
  readonly script: string
  readonly env?: Readonly<Record<string, string>>
  readonly exitCode: number
  readonly iterations: number | readonly [atLeast: number, atMost: number]
  /** Iterations and those dropped for want of a user, where the schedule says how many they must be. */
  readonly arrivals?: readonly [atLeast: number, atMost: number]
  /** Thresholds that must be broken; all others must hold. */
  readonly broken?: readonly string[]
  readonly failedChecks?: readonly string[]
  readonly requests?: readonly string[]
  readonly prints?: RegExp
}

const many = Number.MAX_SAFE_INTEGER

/** In the words of k6. */
const initRefusals = [
  ['request', /Making http requests in the init context is not supported/],
  ['jar', /Making cookie jars in the init context is not supported/],
  ['check', /Using check\(\) in the init context is not supported/],
  ['group', /Using group\(\) in the init context is not supported/],
  ['metric', /Adding to metrics in the init context is not supported/],
] as const

export const expectations: readonly Expectation[] = [
  {
    name: 'shared iterations are run once each',
    script: 'executors',
    env: { EXECUTOR: 'shared-iterations' },
    exitCode: 0,
    iterations: 10,
  },
  {
    name: 'every user runs its own iterations',
    script: 'executors',
    env: { EXECUTOR: 'per-vu-iterations' },
    exitCode: 0,
    iterations: 12,
  },
  {
    name: 'constant users run for a while',
    script: 'executors',
    env: { EXECUTOR: 'constant-vus' },
    exitCode: 0,
    iterations: [2, many],
  },
  {
    name: 'users come and go on a ramp',
    script: 'executors',
    env: { EXECUTOR: 'ramping-vus' },
    exitCode: 0,
    iterations: [2, many],
  },
  {
    name: 'iterations arrive at a constant rate',
    script: 'executors',
    env: { EXECUTOR: 'constant-arrival-rate' },
    exitCode: 0,
    iterations: [1, 11],
    arrivals: [10, 11],
  },
  {
    name: 'iterations arrive at a rising rate, and users are hired for them',
    script: 'executors',
    env: { EXECUTOR: 'ramping-arrival-rate' },
    exitCode: 0,
    iterations: [1, 21],
    arrivals: [19, 20],
  },
  {
    name: 'requests wait for their turn where they are limited',
    script: 'limited',
    exitCode: 0,
    iterations: 20,
  },
  {
    name: 'what no user was free for is dropped',
    script: 'dropping',
    exitCode: 99,
    iterations: 0,
    broken: ['dropped_iterations: count==0'],
    arrivals: [9, 10],
  },
  {
    name: 'every user has modules of its own, and shared data',
    script: 'isolation',
    exitCode: 0,
    iterations: 14,
  },
  {
    name: 'setup, iterations, teardown and summary follow each other',
    script: 'lifecycle',
    exitCode: 0,
    iterations: 4,
    requests: [
      'POST /setup',
      ...Array(4).fill('GET /first'),
      ...Array(4).fill('GET /then'),
      'DELETE /teardown/10',
    ],
    prints: /^summary of 4 iterations$/m,
  },
  {
    name: 'thresholds, tags and responses mean the same',
    script: 'outcomes',
    exitCode: 99,
    iterations: 1,
    broken: ['refused: count>5', 'waits: max<4'],
    failedChecks: ['this one fails'],
  },
  {
    name: 'signatures and digests are the same',
    script: 'signatures',
    exitCode: 0,
    iterations: 1,
  },
  {
    name: 'a failing network is an answer with status 0',
    script: 'network',
    env: { CLOSED_URL: 'http://127.0.0.1:1/' },
    exitCode: 0,
    iterations: 1,
  },
  {
    name: 'a WebSocket speaks, hears and ends as in a browser',
    script: 'sockets',
    exitCode: 0,
    iterations: 1,
    requests: [
      ...['CONNECT /talk?as=anna', 'CONNECT /close/4001/enough', 'CONNECT /close/1000', 'CONNECT /cut'],
    ],
  },
  {
    name: 'an open WebSocket holds its iteration open, and closes when that is interrupted',
    script: 'open-sockets',
    exitCode: 0,
    iterations: 0,
  },
  {
    name: 'an exception ends its iteration only',
    script: 'endings',
    env: { ENDING: 'throw' },
    exitCode: 0,
    iterations: [1, many],
    prints: /boom/,
  },
  {
    name: 'a rejection nobody handles ends its iteration only',
    script: 'endings',
    env: { ENDING: 'unhandled' },
    exitCode: 0,
    iterations: [1, many],
    prints: /Uncaught \(in promise\) Error: nobody looks/,
  },
  {
    name: 'a script aborts the test, and tears down',
    script: 'endings',
    env: { ENDING: 'abort' },
    exitCode: 108,
    iterations: 1,
    requests: ['GET /teardown'],
    prints: /test aborted: enough/,
  },
  ...Array.from({ length: 6 }, (_, turns) => ({
    name: `no arrival starts an iteration after an abort, ${turns} turns of the event loop's queue later`,
    script: 'late-arrivals',
    env: { TURNS: String(turns) },
    exitCode: 108,
    iterations: 1,
    prints: /test aborted: between two arrivals/,
  })),
  {
    name: 'an iteration that is over sends nothing, also when it catches its end',
    script: 'endings',
    env: { ENDING: 'abort caught' },
    exitCode: 108,
    iterations: 1,
    requests: ['GET /teardown'],
  },
  {
    name: 'a script marks the test as failed',
    script: 'endings',
    env: { ENDING: 'fail' },
    exitCode: 110,
    iterations: [1, many],
    requests: ['GET /teardown'],
  },
  {
    name: 'a threshold aborts the test',
    script: 'endings',
    env: { ENDING: 'threshold' },
    exitCode: 99,
    iterations: [1, many],
    broken: ['bad: count==0'],
    requests: ['GET /teardown'],
  },
  {
    name: 'an exception in setup ends the test',
    script: 'endings',
    env: { ENDING: 'setup throws' },
    exitCode: 107,
    iterations: 0,
    requests: [],
    prints: /no hall/,
  },
  {
    name: 'a rejection in teardown fails the test',
    script: 'endings',
    env: { ENDING: 'teardown throws' },
    exitCode: 255,
    iterations: [1, many],
    requests: ['GET /teardown'],
    prints: /no broom/,
  },
  {
    name: 'what still runs after the graceful stop is interrupted',
    script: 'endings',
    env: { ENDING: 'interrupted' },
    exitCode: 0,
    iterations: 0,
    requests: ['GET /hang', 'GET /teardown'],
  },
  {
    name: 'no iteration starts at a hard stop, at whatever part of a millisecond',
    script: 'hard-stops',
    exitCode: 0,
    iterations: 0,
    requests: Array(40).fill('GET /hang'),
  },
  ...[
    ['setup', 100, 0],
    ['a callback', 100, 0],
    ['teardown', 101, 1],
    ['iteration', 0, 0],
  ].map(([place, exitCode, iterations]) => ({
    name: `an endless loop ends in time: ${place}`,
    script: 'loops',
    env: { PLACE: String(place) },
    exitCode: Number(exitCode),
    iterations: Number(iterations),
    requests: exitCode === 100 ? [] : ['GET /teardown'],
    ...(exitCode === 0 ? {} : { prints: /(setup|teardown)\(\) execution timed out after 1 seconds/ }),
  })),
  ...['init', 'blocking/init.js'].flatMap((script) => [
    { name: `what the init context may do: ${script}`, script, exitCode: 0, iterations: 1, requests: [] },
    ...initRefusals.map(([part, prints]) => ({
      name: `no ${part} in the init context: ${script}`,
      script,
      env: { PART: part },
      exitCode: 107,
      iterations: 0,
      requests: [],
      prints,
    })),
  ]),
  ...[
    ['later', /Making http requests in the init context is not supported/] as const,
    ['batch', /Using batch in the init context is not supported/] as const,
  ].map(([part, prints]) => ({
    name: `no ${part} in the init context, where calls block`,
    script: 'blocking/init.js',
    env: { PART: part },
    exitCode: 107,
    iterations: 0,
    requests: [],
    prints,
  })),
  { name: 'a page is read', script: 'page.js', exitCode: 0, iterations: 2 },
  {
    name: 'a threshold on a metric that is not there is refused',
    script: 'refused',
    env: { PART: 'metric' },
    exitCode: 104,
    iterations: 0,
    requests: [],
    prints: /nobody/,
  },
  {
    name: 'a threshold that does not fit its metric is refused',
    script: 'refused',
    env: { PART: 'threshold' },
    exitCode: 104,
    iterations: 0,
    requests: [],
    prints: /p\(95\)<1/,
  },
]
