import { check } from 'k6'
import http from 'k6/http'

const BASE_URL = __ENV.BASE_URL

http.setResponseCallback(http.expectedStatuses({ min: 200, max: 299 }, 404))

export const options = {
  iterations: 1,
  thresholds: {
    checks: ['rate==1'],
    'http_reqs{expected_response:false}': ['count==3'],
    'http_req_failed{status:404}': ['rate==0'],
    'http_reqs{name:${}/${}}': ['count==1'],
    'http_reqs{name:named}': ['count==1'],
  },
}

export default function () {
  const found = http.get(http.url`${BASE_URL}/${'echo'}`)
  const missing = http.get(`${BASE_URL}/status/404`)
  const broken = http.get(`${BASE_URL}/status/500`, { tags: { name: 'named' } })
  const late = http.get(`${BASE_URL}/hang`, { timeout: '100ms' })
  const refused = http.get('http://127.0.0.1:1/')
  const fine = http.get(`${BASE_URL}/status/500`, { responseCallback: http.expectedStatuses(500) })
  const unjudged = http.get(`${BASE_URL}/status/503`, { responseCallback: null })
  const quiet = http.get(`${BASE_URL}/echo`, { responseType: 'none' })
  check(null, {
    'statuses arrive': () => [found, missing, broken].map(({ status }) => status).join() === '200,404,500',
    'lateness is named': () => late.status === 0 && late.error_code === 1050 && late.body === null,
    'refusal is named': () => refused.error_code === 1212,
    'each callback judges its own': () => fine.status === 500 && unjudged.status === 503,
    'a body that is not wanted is not kept': () => quiet.body === null,
    'there is no JSON in nothing': () => throws(() => quiet.json()),
    'lists are counted and mapped': () => found.json('items.#') === 1 && found.json('items.#.id')[0] === 7,
  })
}

function throws(call) {
  try {
    call()
    return false
  } catch {
    return true
  }
}
