import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import { ERROR_RATES } from '../../core/error-rates.ts'

/** Seconds; a scan is to be answered in 0.2, a page in 0.5, a checkout in 10. */
const SECONDS_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5, 10]

/** Every metric that is not the process's own. Labels are routes, codes, lanes and slugs: bounded, and nothing of a person. */
export function instrumentsIn(registry: Registry) {
  const registers = [registry]
  const counter = <Label extends string>(name: string, help: string, ...labelNames: Label[]) =>
    new Counter({ name: `admit_once_${name}`, help, labelNames, registers })
  const gauge = <Label extends string>(name: string, help: string, ...labelNames: Label[]) =>
    new Gauge({ name: `admit_once_${name}`, help, labelNames, registers })
  // Of several processes the sum would be wrong: it is said of the whole server, or of the database.
  const common = <Label extends string>(name: string, help: string, ...labelNames: Label[]) =>
    new Gauge({ name: `admit_once_${name}`, help, labelNames, registers, aggregator: 'max' })
  return {
    requests: counter('requests_total', 'Requests answered.', 'route', 'method', 'status', 'code'),
    errors: counter('errors_total', 'Answers of the error taxonomy.', 'kind'),
    errorShareMax: shareMaxOf(
      common('error_share_max', 'The share of requests that may end so; 1: any.', 'kind'),
    ),
    seconds: new Histogram({
      name: 'admit_once_request_duration_seconds',
      help: 'Time in work, without the time in which the body arrived.',
      labelNames: ['route'],
      buckets: SECONDS_BUCKETS,
      registers,
    }),
    workers: oneOf(gauge('workers', 'Processes of this server that said their figures.')),
    ...laneInstruments(gauge, counter),
    ...poolInstruments(gauge, counter),
    ...jobInstruments(common, counter),
    ...saleInstruments(common),
    ...databaseInstruments(common),
  }
}

export type Instruments = ReturnType<typeof instrumentsIn>

type MakeGauge = <Label extends string>(name: string, help: string, ...labels: Label[]) => Gauge<Label>
type MakeCounter = <Label extends string>(name: string, help: string, ...labels: Label[]) => Counter<Label>

function shareMaxOf(gauge: Gauge<'kind'>): Gauge<'kind'> {
  for (const { kind, shareMax } of ERROR_RATES) gauge.set({ kind }, shareMax)
  return gauge
}

/** Each process is one. */
function oneOf(gauge: Gauge): Gauge {
  gauge.set(1)
  return gauge
}

function laneInstruments(gauge: MakeGauge, counter: MakeCounter) {
  return {
    places: gauge('lane_places', 'Requests in work at once that a lane has places for.', 'lane'),
    placesTaken: gauge('lane_places_taken', 'Requests in work.', 'lane'),
    arriving: gauge('lane_arriving', 'Bodies on their way.', 'lane'),
    sockets: gauge('sockets', 'Sockets of subscribers that are open.'),
    evicted: counter('lane_evicted_total', 'Bodies that made room for others.', 'lane'),
  }
}

function poolInstruments(gauge: MakeGauge, counter: MakeCounter) {
  return {
    poolMax: gauge('pool_connections_max', 'Connections to the database that a pool may open.', 'pool'),
    poolSize: gauge('pool_connections', 'Connections that are open.', 'pool'),
    poolIdle: gauge('pool_connections_idle', 'Connections that nobody uses.', 'pool'),
    poolWaiting: gauge('pool_waiting', 'The queue: calls that wait for a connection.', 'pool'),
    batches: counter('gathered_batches_total', 'Transactions in which calls were made together.', 'verb'),
    gathered: counter('gathered_calls_total', 'Calls that were made in them.', 'verb'),
    poolCalls: counter('database_calls_total', 'Calls to the database.', 'pool'),
    poolErrors: counter('database_errors_total', 'Calls that failed, by SQLSTATE or condition.', 'code'),
  }
}

/** A label called `job` would be Prometheus' own. */
function jobInstruments(gauge: MakeGauge, counter: MakeCounter) {
  return {
    jobRounds: counter('job_rounds_total', 'Rounds of the jobs of this server.', 'name', 'outcome'),
    jobSucceeded: gauge(
      'job_last_success_timestamp_seconds',
      'When a job of this server last succeeded.',
      'name',
    ),
    cronFailed: gauge('cron_runs_failed', 'Of the latest 100 runs of pg_cron, those that failed.', 'name'),
    cronAge: gauge('cron_last_success_seconds', 'How long ago pg_cron last did it.', 'name'),
  }
}

function saleInstruments(gauge: MakeGauge) {
  return {
    eventsOnSale: gauge('events_on_sale', 'Published events that have not ended.'),
    tickets: gauge('tickets', 'Tickets of all events on sale, by what they are.', 'state'),
    eventTickets: gauge('event_tickets', 'The same of each of the busiest events.', 'event', 'state'),
    holdsOverdue: gauge('holds_overdue_seconds', 'How long ago the oldest active hold ended.'),
    holdsExpired: gauge('holds_expired_in_5m', 'Holds that ended unused within five minutes, by whomever.'),
    ordersPending: gauge('orders_pending', 'Orders that wait for their payment.'),
    webhooksUnmatched: gauge('webhooks_unmatched', 'Events of the provider that fit nothing of ours.'),
    paymentsUnmatched: gauge('payments_unmatched', 'Payments that fit no order: kept, never moved.'),
    sessionsDue: gauge('provider_sessions_due', 'Payment sessions about which the provider is to be asked.'),
    sessionsOverdue: gauge('provider_sessions_overdue_seconds', 'How long the oldest of them has waited.'),
    refunds: gauge('refunds', 'Refunds that have not succeeded.', 'status', 'currency'),
    refundsOwed: gauge('refunds_owed_minor_units', 'What they come to.', 'status', 'currency'),
    refundsOverdue: gauge('refunds_overdue_seconds', 'How long the oldest refund that is due has waited.'),
    cancellations: gauge('cancellations_open', 'Cancelled events whose orders are being ended.'),
  }
}

function databaseInstruments(gauge: MakeGauge) {
  return {
    up: gauge('database_up', '1 where the figures below are from now; 0: the database gave none.'),
    protections: gauge('protections', 'Database objects that hold the guarantees.'),
    protectionsActive: gauge('protections_active', 'Those that are in place.'),
    connections: gauge('database_connections', 'Connections of all clients.'),
    connectionsMax: gauge('database_connections_max', 'max_connections.'),
    lockWaits: gauge('database_lock_waits', 'Sessions that wait for a lock.'),
    transaction: gauge('database_transaction_seconds', 'Age of the oldest open transaction.'),
    deadlocks: gauge('database_deadlocks', 'Deadlocks in this database since its statistics began.'),
    standbyLag: gauge('standby_lag_seconds', 'How far a standby is behind, as it last confirmed.', 'standby'),
    standbyBytes: gauge('standby_lag_bytes', 'WAL that a standby has not replayed.', 'standby'),
    slotBytes: gauge('replication_slot_lag_bytes', 'WAL that is kept for a slot.', 'slot'),
    slotActive: gauge('replication_slot_active', '1 where somebody reads it.', 'slot'),
  }
}
