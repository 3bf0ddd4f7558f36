/** A flag of `k6 run`, as k6 names it. */
export interface Flag {
  readonly type: 'string' | 'boolean'
  readonly short?: string
  /** May be given several times. */
  readonly multiple?: true
  /** Of a switch that is on: what `--no-…` does. */
  readonly off?: string
  readonly description: string
}

/** The flags of `k6 run` that the built-in runner has too: its parser and the help of `admit-once k6` read them here. */
export const FLAGS = {
  env: { type: 'string', short: 'e', multiple: true, description: 'NAME=value of __ENV; may be repeated' },
  vus: { type: 'string', short: 'u', description: 'virtual users' },
  duration: { type: 'string', short: 'd', description: 'how long they run, like 30s' },
  iterations: { type: 'string', short: 'i', description: 'how many they share' },
  stage: {
    type: 'string',
    short: 's',
    multiple: true,
    description: 'duration:target of a ramp; may be repeated',
  },
  tag: { type: 'string', multiple: true, description: 'name=value on every sample; may be repeated' },
  rps: { type: 'string', description: 'requests a second of all users together' },
  batch: { type: 'string', description: 'requests of one http.batch() at a time (20)' },
  'batch-per-host': { type: 'string', description: 'and of one host (6)' },
  'max-redirects': { type: 'string', description: 'redirects that a request follows (10)' },
  'user-agent': { type: 'string', description: 'the User-Agent of requests' },
  out: { type: 'string', short: 'o', multiple: true, description: 'json=<file>: every sample, a line each' },
  'console-output': { type: 'string', description: 'a file that takes what the script prints' },
  'log-format': { type: 'string', description: 'text | json | raw: the form of log and console' },
  'summary-export': { type: 'string', description: 'a file for the summary as JSON' },
  'summary-trend-stats': { type: 'string', description: 'statistics of trends: avg,p(99)' },
  'discard-response-bodies': { type: 'boolean', description: 'keep no bodies' },
  'insecure-skip-tls-verify': { type: 'boolean', description: 'trust every certificate' },
  quiet: { type: 'boolean', short: 'q', description: 'no progress' },
  'include-system-env-vars': {
    type: 'boolean',
    description: "__ENV has the environment's variables",
    off: '__ENV has what --env gives it',
  },
  setup: { type: 'boolean', description: 'setup() runs', off: 'no setup()' },
  teardown: { type: 'boolean', description: 'teardown() runs', off: 'no teardown()' },
  thresholds: { type: 'boolean', description: 'thresholds are judged', off: 'no thresholds' },
  summary: { type: 'boolean', description: 'a summary is printed', off: 'no summary' },
  'connection-reuse': {
    type: 'boolean',
    description: 'connections are kept',
    off: 'a connection a request',
  },
  'vu-connection-reuse': {
    type: 'boolean',
    description: 'and kept from one iteration to the next',
    off: 'connections of an iteration',
  },
  color: { type: 'boolean', description: 'no difference', off: 'nothing is coloured' },
  'usage-report': { type: 'boolean', description: 'no difference', off: 'nothing is reported' },
} as const satisfies Readonly<Record<string, Flag>>
