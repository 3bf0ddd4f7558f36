import { check, sleep } from 'k6'
import exec from 'k6/execution'
import http from 'k6/http'

export const options = {
  scenarios: {
    browse: {
      executor: 'constant-arrival-rate',
      rate: 10,
      timeUnit: '1s',
      duration: '1s',
      preAllocatedVUs: 5,
      exec: 'browse',
      tags: { flow: 'browse' },
    },
    buy: {
      executor: 'per-vu-iterations',
      vus: 3,
      iterations: 2,
      exec: 'buy',
      startTime: '200ms',
      env: { HALL: 'main' },
    },
  },
  thresholds: {
    'http_reqs{flow:browse}': ['count>0'],
    'http_reqs{scenario:buy}': ['count==6'],
    checks: ['rate==1'],
  },
}

export function browse() {
  check(http.get(`${__ENV.BASE_URL}/slow/20`), { 'browsing works': (r) => r.status === 200 })
}

export function buy() {
  const response = http.post(`${__ENV.BASE_URL}/echo`, { hall: __ENV.HALL, user: String(exec.vu.idInTest) })
  check(response, {
    'a form goes out': (r) => r.json('body') === `hall=main&user=${__VU}`,
    'it knows where it is': () => exec.scenario.name === 'buy' && exec.vu.iterationInScenario === __ITER,
    'and who runs': () => exec.instance.vusActive > 0 && exec.test.options.scenarios.buy.vus === 3,
  })
  exec.vu.tags.hall = __ENV.HALL
  sleep(Math.random() * 0.05)
}
