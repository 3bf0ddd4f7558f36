/** What each scenario must meet; one place, so that a script and its twin at another size cannot drift apart. */
export function getThresholds(scenario: Scenario): Record<string, string[]> {
  return { ...common, ...thresholds[scenario] }
}

export type Scenario =
  | 'concurrent-checkout'
  | 'scanner-burst'
  | 'ticketing-flow'
  | 'ticket-purchase'
  | 'webhook-burst'

/** A generator that could not keep up, or an answer nobody foresaw, spoils any run. */
const common = { dropped_iterations: ['count==0'], checks: ['rate==1'], unexpected_answers: ['count==0'] }

const stock = Number(__ENV['STOCK'] ?? 50)
const users = Number(__ENV['USERS'] ?? 100)
const events = Number(__ENV['EVENTS'] ?? 50)

/** 1 on a machine of its own; more where server, database and load share a few cores, and only the promises are looked at. */
const patience = Number(__ENV['PATIENCE'] ?? 1)
const within = (ms: number) => ms * patience

const thresholds: Record<Scenario, Record<string, string[]>> = {
  'concurrent-checkout': {
    successful_checkouts: [`count==${stock}`],
    sold_out_answers: ['count>0'],
    http_req_duration: ['p(95)<10000'],
  },
  'scanner-burst': {
    duplicate_entries: ['count==0'],
    race_admitted: ['count==1'],
    race_refused: ['count==9'],
    http_req_failed: ['rate<0.001'],
    'http_req_duration{scenario:different}': [`p(95)<${within(200)}`],
  },
  'ticketing-flow': {
    oversell_detected: ['count==0'],
    server_errors: ['count==0'],
    orders_placed: ['count>0'],
    repeats_answered: ['count>0'],
    reused_keys_refused: ['count>0'],
    http_req_failed: ['rate<0.05'],
    http_req_duration: [`p(90)<${within(500)}`, `p(99)<${within(1000)}`],
  },
  'ticket-purchase': {
    purchases_completed: [`count==${users}`],
    cards_declined: ['count>0'],
    http_req_failed: ['rate==0'],
    // The buyer's wait for the payment page is the provider's.
    'http_req_duration{server:ours}': [`p(95)<${within(500)}`],
  },
  'webhook-burst': {
    // An arrival rate may start one more at its very end.
    events_processed: [`count>=${events}`],
    duplicates_answered: ['count>0'],
    unmatched_kept: ['count>0'],
    forged_refused: ['count>0'],
    http_req_failed: ['rate==0'],
  },
}
