/** What each scenario must meet; one place, so that a script and its twin at another size cannot drift apart. */
export function getThresholds(scenario: Scenario): Record<string, string[]> {
  return { ...common, ...thresholds[scenario] }
}

export type Scenario = 'concurrent-checkout' | 'scanner-burst'

/** A generator that could not keep up, or an answer nobody foresaw, spoils any run. */
const common = { dropped_iterations: ['count==0'], checks: ['rate==1'], unexpected_answers: ['count==0'] }

const stock = Number(__ENV['STOCK'] ?? 50)

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
    'http_req_duration{scenario:different}': ['p(95)<200'],
  },
}
