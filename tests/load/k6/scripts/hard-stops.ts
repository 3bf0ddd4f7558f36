import http from 'k6/http'

const scenario = { executor: 'constant-vus', vus: 1, duration: '1s', gracefulStop: '0s' } as const

/** Hard stops at forty moments that lie differently between the milliseconds of a timer. */
export const options = {
  scenarios: Object.fromEntries(
    Array.from({ length: 40 }, (_, at) => [`at-${at}`, { ...scenario, startTime: `${at * 7.3}ms` }]),
  ),
}

export default async function (): Promise<void> {
  await http.asyncRequest('GET', `${__ENV['BASE_URL']}/hang`)
}
