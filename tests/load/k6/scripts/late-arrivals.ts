import exec from 'k6/execution'
import http from 'k6/http'

/** Fifty arrivals that are overdue once the first one gives way, and start one behind the other. */
export const options = {
  scenarios: {
    rush: {
      executor: 'constant-arrival-rate',
      rate: 1000,
      timeUnit: '1s',
      duration: '10m',
      preAllocatedVUs: 60,
    },
  },
}

const behind = 50
const turns = Number(__ENV['TURNS'])

export default async function (): Promise<void> {
  const arrival = exec.scenario.iterationInTest
  const startMs = Date.now()
  if (arrival === 0) while (Date.now() - startMs < behind);
  if (arrival === 5) {
    for (let turn = 0; turn < turns; turn++) await undefined
    exec.test.abort('between two arrivals')
  }
  await http.asyncRequest('GET', `${__ENV['BASE_URL']}/hang`)
}
