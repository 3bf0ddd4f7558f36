import { underLoad } from './load-profiles.ts'

/**
 * What each scenario must meet; one place, so that a script and its twin at another size cannot drift apart. `exactly` is how
 * often something happens in this run, no more and no less, by metric: what the script can count beforehand.
 */
export function getThresholds(
  scenario: Scenario,
  exactly: Readonly<Record<string, number>> = {},
): Record<string, string[]> {
  const counts = Object.entries(exactly).map(([metric, times]) => [metric, [`count==${times}`]])
  return underLoad(scenario, { ...common, ...thresholds[scenario], ...Object.fromEntries(counts) })
}

export type Scenario =
  | 'abandoned-carts'
  | 'cancel-the-event'
  | 'concurrent-checkout'
  | 'dashboard-load'
  | 'last-ticket-duel'
  | 'scanner-burst'
  | 'scanner-stress'
  | 'offline-gates'
  | 'offer-rush'
  | 'slot-rush'
  | 'ticketing-flow'
  | 'ticket-purchase'
  | 'pay-at-the-last-second'
  | 'refund-and-resell'
  | 'strangers'
  | 'webhook-burst'

/** A generator that could not keep up, or an answer nobody foresaw, spoils any run. */
const common = { dropped_iterations: ['count==0'], checks: ['rate==1'], unexpected_answers: ['count==0'] }

const stock = Number(__ENV['STOCK'] ?? 50)
const users = Number(__ENV['USERS'] ?? 100)
const events = Number(__ENV['EVENTS'] ?? 50)

/** 1 on a machine of its own; more where server, database and load share a few cores, and only the promises are looked at. */
const patience = Number(__ENV['PATIENCE'] ?? 1)
const within = (ms: number) => ms * patience

/** What calls of each kind may take: `admit-once prove` has the same numbers for its report. p99.9 is of long runs alone. */
const aims = (p50: number, p90: number, p99: number): string[] => [
  `p(50)<=${within(p50)}`,
  `p(90)<=${within(p90)}`,
  `p(99)<=${within(p99)}`,
]

const thresholds: Record<Scenario, Record<string, string[]>> = {
  'abandoned-carts': {
    tickets_abandoned: ['count>0'],
    tickets_returned: ['count>0'],
    none_left_answers: ['count>0'],
    http_req_failed: ['rate==0'],
    http_req_duration: [`p(95)<${within(1000)}`],
  },
  'cancel-the-event': {
    payments_made: ['count>0'],
    off_sale_answers: ['count>0'],
    cancellations_done: ['count==1'],
    sold_afterwards: ['count==0'],
    http_req_failed: ['rate==0'],
    'http_req_duration{server:ours}': [`p(95)<${within(1000)}`],
  },
  'concurrent-checkout': {
    successful_checkouts: [`count==${stock}`],
    sold_out_answers: ['count>0'],
    http_req_duration: ['p(95)<10000'],
  },
  'dashboard-load': {
    dashboard_load: [`p(95)<${within(3000)}`],
    update_from_answer: [`p(95)<${within(100)}`],
    update_from_commit: [`p(95)<${within(100)}`],
    updates_heard: ['count>0'],
    strangers_subscribed: ['count==1'],
    strangers_told: ['count==0'],
    http_req_failed: ['rate==0'],
  },
  'last-ticket-duel': {
    both_won: ['count==0'],
    neither_won: ['count==0'],
    http_req_failed: ['rate==0'],
    http_req_duration: [`p(95)<${within(1000)}`],
  },
  'scanner-burst': {
    duplicate_entries: ['count==0'],
    fresh_refused: ['count==0'],
    race_admitted: ['count==1'],
    race_refused: ['count==9'],
    http_req_failed: ['rate<0.001'],
    'http_req_duration{scenario:different}': [`p(95)<${within(200)}`],
  },
  'scanner-stress': {
    duplicate_entries: ['count==0'],
    wrong_refusals: ['count==0'],
    http_req_failed: ['rate<0.01'],
    http_req_duration: ['p(95)<3000'],
  },
  'offline-gates': {
    http_req_failed: ['rate<0.01'],
    http_req_duration: [`p(95)<${within(1000)}`],
  },
  'offer-rush': {
    double_claims: ['count==0'],
    claims_granted: ['count>0'],
    claims_released: ['count>0'],
    second_claims_refused: ['count>0'],
    sold_out_answers: ['count>0'],
    http_req_failed: ['rate==0'],
    http_req_duration: [`p(95)<${within(1000)}`],
  },
  'slot-rush': {
    covers_booked: ['count>0'],
    covers_cancelled: ['count>0'],
    booked_after_midnight: ['count>0'],
    full_answers: ['count>0'],
    http_req_failed: ['rate==0'],
    http_req_duration: [`p(95)<${within(1000)}`],
  },
  strangers: {
    strangers_served: ['count==0'],
    not_found: ['count>0'],
    forbidden: ['count>0'],
    unauthorized: ['count>0'],
    http_req_failed: ['rate==0'],
    http_req_duration: [`p(95)<${within(1000)}`],
  },
  'ticketing-flow': {
    oversell_detected: ['count==0'],
    server_errors: ['count==0'],
    orders_placed: ['count>0'],
    repeats_answered: ['count>0'],
    reused_keys_refused: ['count>0'],
    http_req_failed: ['rate<0.05'],
    http_req_duration: [`p(90)<${within(500)}`, `p(99)<${within(1000)}`],
    'http_req_duration{operation:enhanced-checkout}': aims(500, 1000, 2000),
  },
  'ticket-purchase': {
    purchases_completed: [`count==${users}`],
    cards_declined: ['count>0'],
    http_req_failed: ['rate==0'],
    paid_to_ticket: aims(2000, 4000, 8000),
    // The buyer's wait for the payment page is the provider's.
    'http_req_duration{server:ours}': [`p(95)<${within(500)}`],
  },
  'pay-at-the-last-second': {
    cards_charged: ['count>0'],
    debits_authorised: ['count>0'],
    none_left_answers: ['count>0'],
    http_req_failed: ['rate==0'],
    'http_req_duration{server:ours}': [`p(95)<${within(1000)}`],
  },
  'refund-and-resell': {
    purchases_completed: ['count>0'],
    tickets_returned: ['count>0'],
    none_left_answers: ['count>0'],
    http_req_failed: ['rate==0'],
    'http_req_duration{server:ours}': [`p(95)<${within(1000)}`],
  },
  'webhook-burst': {
    // An arrival rate may start one more at its very end.
    events_processed: [`count>=${events}`],
    duplicates_answered: ['count>0'],
    unmatched_kept: ['count>0'],
    forged_refused: ['count>0'],
    http_req_failed: ['rate==0'],
    'http_req_duration{operation:stripe-webhook}': aims(1000, 2000, 4000),
  },
}
