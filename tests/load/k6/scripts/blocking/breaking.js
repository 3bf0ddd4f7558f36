import { check, sleep } from 'k6'
import http from 'k6/http'

export const options = {
  vus: 2,
  duration: '30s',
  thresholds: {
    'http_req_failed{page:broken}': [{ threshold: 'rate<0.1', abortOnFail: true, delayAbortEval: '1s' }],
    checks: ['rate==0'],
  },
}

export default function () {
  const response = http.get(`${__ENV.BASE_URL}/status/500`, { tags: { page: 'broken' } })
  check(response, { 'status is 200': (r) => r.status === 200 })
  sleep(0.2)
}
