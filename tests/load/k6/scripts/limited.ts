import http from 'k6/http'

/** Twenty requests at once, of which the last one's turn comes 950 ms after the first one's. */
export const options = {
  vus: 20,
  iterations: 20,
  rps: 20,
  thresholds: {
    iteration_duration: ['max>=900'],
    // The wait is no part of it.
    http_req_waiting: ['med<900'],
  },
}

export default async function (): Promise<void> {
  await http.asyncRequest('GET', `${__ENV['BASE_URL']}/first`)
}
