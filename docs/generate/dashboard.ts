/** A Grafana dashboard of what /metrics has, as one imports it: the data source is chosen there. */
export function dashboardJson(): string {
  return `${JSON.stringify({ ...HEAD, panels: ROWS.flatMap(panelsOf) }, null, 2)}\n`
}

interface Chart {
  readonly title: string
  /** By legend. */
  readonly queries: Readonly<Record<string, string>>
  readonly unit?: string
  /** One number, coloured where it is not zero. */
  readonly isAlarm?: true
}

const SECONDS = 's'

/** What is of the whole database every server tells: one of them is enough. */
const once = (name: string, by = '') => `max${by === '' ? '' : ` by (${by}) `}(admit_once_${name})`
const rate = (name: string, by: string) => `sum by (${by}) (rate(admit_once_${name}[$__rate_interval]))`

const ALARMS: readonly Chart[] = [
  {
    title: 'Protections missing',
    queries: { '': 'max(admit_once_protections - admit_once_protections_active)' },
  },
  { title: 'Payments unmatched', queries: { '': once('payments_unmatched') } },
  { title: 'Events of the provider unmatched', queries: { '': once('webhooks_unmatched') } },
  { title: 'Refunds overdue', queries: { '': once('refunds_overdue_seconds') }, unit: SECONDS },
  { title: 'Sessions overdue', queries: { '': once('provider_sessions_overdue_seconds') }, unit: SECONDS },
  { title: 'Holds overdue', queries: { '': once('holds_overdue_seconds') }, unit: SECONDS },
].map((chart) => ({ ...chart, isAlarm: true }))

const SALE: readonly Chart[] = [
  { title: 'Holds that expired in five minutes', queries: { holds: once('holds_expired_in_5m') } },
  { title: 'Events on sale', queries: { events: once('events_on_sale') } },
  { title: 'Tickets on sale', queries: { '{{state}}': once('tickets', 'state') } },
  {
    title: 'Sold, by event',
    queries: { '{{event}}': 'max by (event) (admit_once_event_tickets{state="sold"})' },
  },
  {
    title: 'Held, by event',
    queries: { '{{event}}': 'max by (event) (admit_once_event_tickets{state="held"})' },
  },
  {
    title: 'Waiting for money',
    queries: {
      'orders pending': once('orders_pending'),
      'sessions to ask about': once('provider_sessions_due'),
      'events being cancelled': once('cancellations_open'),
    },
  },
  {
    title: 'Refunds that have not succeeded',
    queries: { '{{status}} {{currency}}': once('refunds', 'status, currency') },
  },
  {
    title: 'What they come to, in minor units',
    queries: { '{{status}} {{currency}}': once('refunds_owed_minor_units', 'status, currency') },
  },
]

const REQUESTS: readonly Chart[] = [
  { title: 'Requests by route', queries: { '{{route}}': rate('requests_total', 'route') }, unit: 'reqps' },
  {
    title: 'Refusals by code',
    queries: { '{{code}}': 'sum by (code) (rate(admit_once_requests_total{code!=""}[$__rate_interval]))' },
    unit: 'reqps',
  },
  {
    title: 'p95 in work',
    queries: {
      '{{route}}':
        'histogram_quantile(0.95, sum by (route, le) (rate(admit_once_request_duration_seconds_bucket[$__rate_interval])))',
    },
    unit: SECONDS,
  },
  {
    title: 'Error taxonomy: share, and what it may be',
    queries: {
      '{{kind}}': `${rate('errors_total', 'kind')} / on () group_left () sum(rate(admit_once_requests_total[$__rate_interval]))`,
      'at most: {{kind}}': 'max by (kind) (admit_once_error_share_max) < 1',
    },
    unit: 'percentunit',
  },
  {
    title: 'Rounds of jobs',
    queries: { '{{name}}: {{outcome}}': rate('job_rounds_total', 'name, outcome') },
    unit: 'ops',
  },
]

const SERVERS: readonly Chart[] = [
  {
    title: 'Places taken',
    queries: { '{{instance}} {{lane}}': 'admit_once_lane_places_taken / admit_once_lane_places' },
    unit: 'percentunit',
  },
  { title: 'Bodies on their way', queries: { '{{instance}} {{lane}}': 'admit_once_lane_arriving' } },
  { title: 'Sockets of subscribers', queries: { '{{instance}}': 'admit_once_sockets' } },
  { title: 'Evicted', queries: { '{{lane}}': rate('lane_evicted_total', 'lane') }, unit: 'ops' },
  {
    title: 'Calls that wait for a connection',
    queries: { '{{instance}} {{pool}}': 'admit_once_pool_waiting' },
  },
  { title: 'Processes', queries: { '{{instance}}': 'admit_once_workers' } },
  {
    title: 'Calls in a transaction',
    queries: {
      '{{verb}}': `${rate('gathered_calls_total', 'verb')} / ${rate('gathered_batches_total', 'verb')}`,
    },
  },
  {
    title: 'Connections in use',
    queries: {
      '{{instance}} {{pool}}':
        '(admit_once_pool_connections - admit_once_pool_connections_idle) / admit_once_pool_connections_max',
    },
    unit: 'percentunit',
  },
  {
    title: 'Event loop, p99',
    queries: { '{{instance}}': 'nodejs_eventloop_lag_p99_seconds{job="admit-once"}' },
    unit: SECONDS,
  },
  {
    title: 'Memory',
    queries: { '{{instance}}': 'process_resident_memory_bytes{job="admit-once"}' },
    unit: 'bytes',
  },
]

const DATABASE: readonly Chart[] = [
  { title: 'Slots that somebody reads', queries: { '{{slot}}': once('replication_slot_active', 'slot') } },
  {
    title: 'pg_cron: failed of the latest 100 runs',
    queries: { '{{name}}': once('cron_runs_failed', 'name') },
  },
  { title: 'Calls', queries: { '{{pool}}': rate('database_calls_total', 'pool') }, unit: 'ops' },
  {
    title: 'Errors by SQLSTATE or condition',
    queries: { '{{code}}': rate('database_errors_total', 'code') },
    unit: 'ops',
  },
  {
    title: 'Connections',
    queries: { open: once('database_connections'), 'at most': once('database_connections_max') },
  },
  {
    title: 'Waits for locks',
    queries: { waiting: once('database_lock_waits'), 'deadlocks so far': once('database_deadlocks') },
  },
  { title: 'Oldest transaction', queries: { age: once('database_transaction_seconds') }, unit: SECONDS },
  {
    title: 'Standbys behind',
    queries: { '{{standby}}': once('standby_lag_bytes', 'standby') },
    unit: 'bytes',
  },
  {
    title: 'Standbys behind, in time',
    queries: { '{{standby}}': once('standby_lag_seconds', 'standby') },
    unit: SECONDS,
  },
  {
    title: 'WAL kept for slots',
    queries: { '{{slot}}': once('replication_slot_lag_bytes', 'slot') },
    unit: 'bytes',
  },
  {
    title: 'pg_cron: since the last success',
    queries: { '{{name}}': once('cron_last_success_seconds', 'name') },
    unit: SECONDS,
  },
]

const ROWS: readonly (readonly [title: string, charts: readonly Chart[]])[] = [
  ['To be zero', ALARMS],
  ['The sale', SALE],
  ['Requests', REQUESTS],
  ['Servers', SERVERS],
  ['Database', DATABASE],
]

const HEAD = {
  title: 'Admit Once',
  uid: 'admit-once',
  schemaVersion: 39,
  refresh: '10s',
  time: { from: 'now-1h', to: 'now' },
  templating: {
    list: [{ name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Data source' }],
  },
}

const SOURCE = { type: 'prometheus', uid: '$datasource' }
const COLUMNS = 24
/** No row of charts begins in the middle of another; Grafana closes the gaps. */
const ROW_HEIGHT = 1_000

function panelsOf([title, charts]: (typeof ROWS)[number], row: number): object[] {
  const id = (row + 1) * 100
  const y = row * ROW_HEIGHT
  return [
    { id, type: 'row', title, collapsed: false, gridPos: { x: 0, y, w: COLUMNS, h: 1 }, panels: [] },
    ...charts.map((chart, at) => panelOf(chart, id + at + 1, at, y + 1)),
  ]
}

function panelOf(
  { title, queries, unit = 'short', isAlarm }: Chart,
  id: number,
  at: number,
  y: number,
): object {
  const [w, h] = isAlarm ? [4, 4] : [8, 8]
  const perRow = COLUMNS / w
  return {
    ...{ id, title, type: isAlarm ? 'stat' : 'timeseries', datasource: SOURCE },
    gridPos: { x: (at % perRow) * w, y: y + Math.floor(at / perRow) * h, w, h },
    fieldConfig: { defaults: { unit, ...(isAlarm ? THRESHOLDS : { min: 0 }) }, overrides: [] },
    targets: Object.entries(queries).map(([legendFormat, expr], n) => ({
      ...{ refId: String.fromCharCode(65 + n), datasource: SOURCE, expr, legendFormat },
    })),
  }
}

const THRESHOLDS = {
  color: { mode: 'thresholds' },
  thresholds: {
    mode: 'absolute',
    steps: [
      { color: 'green', value: null },
      { color: 'red', value: 1 },
    ],
  },
}
