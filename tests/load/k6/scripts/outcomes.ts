import { check } from 'k6'
import http from 'k6/http'
import { Counter, Rate, Trend } from 'k6/metrics'

const base = __ENV['BASE_URL']
const refused = new Counter('refused')
const wins = new Rate('wins')
const waits = new Trend('waits', true)
const never = new Counter('never')

http.setResponseCallback(http.expectedStatuses({ min: 200, max: 299 }, 409))

export const options = {
  iterations: 1,
  summaryTrendStats: ['med', 'p(99)', 'count'],
  thresholds: {
    http_req_failed: ['rate<0.5'],
    'http_reqs{status:409}': ['count==1'],
    'http_reqs{expected_response:false}': ['count == 1'],
    'http_req_duration{name:the page}': ['p(99.9)<10000', 'max>=0'],
    refused: ['count>5'],
    wins: ['rate>0.2', 'rate<=0.25'],
    waits: ['avg==2.5', 'med===2.5', 'min!=2', 'p(90)>3.6', 'max<4'],
    never: ['count==0'],
  },
}

export default async function (): Promise<void> {
  const page = await http.asyncRequest('GET', `${base}/status/200`, null, { tags: { name: 'the page' } })
  const gone = await http.asyncRequest('GET', `${base}/status/409`)
  const broken = await http.asyncRequest('GET', `${base}/status/500`)
  const empty = await http.asyncRequest('GET', `${base}/status/204`)
  const echo = await http.asyncRequest(
    'POST',
    `${base}/echo`,
    { a: '1', b: 'x y' },
    { headers: { 'X-Seat': 'A 1' } },
  )
  const again = await http.asyncRequest('PATCH', `${base}/echo`, JSON.stringify({ a: 1 }), {
    responseCallback: http.expectedStatuses(200),
  })
  const quiet = await http.asyncRequest('GET', `${base}/echo`, null, {
    responseType: 'none',
  })
  refused.add(gone.status === 409)
  for (const number of [1, 2, 3, 4]) {
    waits.add(number)
    wins.add(number === 1)
  }
  check(null, {
    'statuses arrive': () => [page, gone, broken].map(({ status }) => status).join() === '200,409,500',
    'error codes follow the status': () => page.error_code === 0 && gone.error_code === 1409,
    'an empty answer has no body': () => empty.body === null,
    'objects go out as forms': () => echo.json('body') === 'a=1&b=x+y',
    'headers go out and come back': () =>
      echo.json('headers.x-seat') === 'A 1' && echo.headers['Content-Type'] === 'application/json',
    'json paths reach into lists': () =>
      echo.json('items.0.id') === 7 && echo.json('items.1.id') === undefined,
    'text goes out as it is': () => again.json('body') === '{"a":1}' && again.json('method') === 'PATCH',
    'cookies go back': () => again.json('headers.cookie') === 'seen=yes',
    'a body that is not wanted is not kept': () => quiet.body === null && quiet.status === 200,
    'this one fails': () => never.name === 'always',
  })
}
