import { check, sleep } from 'k6'
import http from 'k6/http'

export const options = {
  vus: 2,
  duration: '1s',
  thresholds: { http_req_failed: ['rate<0.01'], http_req_duration: ['p(95)<10000'], checks: ['rate==1'] },
}

export default function () {
  const response = http.get(`${__ENV.BASE_URL}/echo`)
  check(response, {
    'status is 200': (r) => r.status === 200,
    'has a body': (r) => r.body.includes('"method":"GET"'),
    'is fast enough': (r) => r.timings.duration < 10_000,
  })
  sleep(0.1)
}
