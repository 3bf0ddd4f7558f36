import http from 'k6/http'

export const options = {
  scenarios: {
    rush: {
      executor: 'constant-arrival-rate',
      rate: 10,
      duration: '1s',
      preAllocatedVUs: 1,
      gracefulStop: '0s',
    },
  },
  thresholds: { dropped_iterations: ['count==0'] },
}

export default async function (): Promise<void> {
  await http.asyncRequest('GET', `${__ENV['BASE_URL']}/hang`)
}
