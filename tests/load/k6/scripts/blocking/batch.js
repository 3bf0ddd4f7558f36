import { check } from 'k6'
import http from 'k6/http'

const BASE_URL = __ENV.BASE_URL

export const options = {
  iterations: 1,
  batch: 10,
  batchPerHost: 0,
  thresholds: { checks: ['rate==1'], 'http_reqs{part:style}': ['count==1'], iteration_duration: ['max<900'] },
}

export default function () {
  const slow = http.batch(Array.from({ length: 5 }, () => ['GET', `${BASE_URL}/slow/200`]))
  const [page, form, style] = http.batch([
    `${BASE_URL}/echo`,
    ['POST', `${BASE_URL}/echo`, { seat: 'A 1' }],
    { method: 'GET', url: `${BASE_URL}/style`, params: { tags: { part: 'style' } } },
  ])
  const { first, second } = http.batch({
    first: `${BASE_URL}/status/200`,
    second: ['GET', `${BASE_URL}/status/404`, null, { responseCallback: http.expectedStatuses(404) }],
  })
  check(null, {
    'side by side': () => slow.every(({ body }) => body === 'slow'),
    'in their order': () => page.json('method') === 'GET' && form.json('body') === 'seat=A+1',
    'each with its params': () => style.status === 200,
    'under their names': () => first.status === 200 && second.json('status') === 404,
  })
}
