import { check, fail, group } from 'k6'
import http from 'k6/http'

const BASE_URL = __ENV.BASE_URL

export const options = {
  vus: 2,
  iterations: 4,
  thresholds: {
    'http_req_duration{group:::buy::pay}': ['max<10000'],
    'http_reqs{group:::setup}': ['count==1'],
    group_duration: ['min>0'],
    checks: ['rate==1'],
  },
}

export function setup() {
  const response = http.post(`${BASE_URL}/echo`, JSON.stringify({ user: 'anna', password: 'secret' }), {
    headers: { 'Content-Type': 'application/json' },
  })
  if (!check(response, { 'logged in': (r) => r.status === 200 })) fail('no login')
  return { token: response.json('method') }
}

export default function ({ token }) {
  const params = { headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' } }
  group('buy', () => {
    const hold = group('hold', () => http.post(`${BASE_URL}/echo`, JSON.stringify({ seat: 'A1' }), params))
    check(hold, { 'the token went along': (r) => r.json('headers.authorization') === 'Bearer POST' })
    group('pay', () => {
      const paid = http.put(`${BASE_URL}/echo`, JSON.stringify({ card: 4242 }), params)
      const changed = http.patch(`${BASE_URL}/echo`, '{}', params)
      check([paid, changed], {
        'verbs arrive': (answers) => answers.map((r) => r.json('method')).join() === 'PUT,PATCH',
      })
    })
  })
}

export function teardown({ token }) {
  const gone = http.del(`${BASE_URL}/sessions/${token}`)
  const allowed = http.options(`${BASE_URL}/sessions`)
  const head = http.head(`${BASE_URL}/sessions`)
  check([gone, allowed, head], { 'all answered': (answers) => answers.every((r) => r.status === 200) })
}
