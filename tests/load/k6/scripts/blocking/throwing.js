import { check } from 'k6'
import http from 'k6/http'

export const options = {
  iterations: 1,
  throw: true,
  noUsageReport: true,
  ext: { loadimpact: { name: 'no difference here' } },
  thresholds: { checks: ['rate==1'], http_reqs: ['count==2'] },
}

export default function () {
  let thrown = ''
  try {
    http.get('http://127.0.0.1:1/')
  } catch (error) {
    thrown = error.message
  }
  const broken = http.get(`${__ENV.BASE_URL}/status/500`)
  check(null, {
    'a request that fails throws': () => /connection refused/.test(thrown),
    'an answer does not': () => broken.status === 500,
  })
}
