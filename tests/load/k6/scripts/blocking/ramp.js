import { check, sleep } from 'k6'
import http from 'k6/http'
import { Counter, Gauge, Rate, Trend } from 'k6/metrics'

const waits = new Trend('page_wait', true)
const failures = new Rate('page_failures')
const pages = new Counter('pages')
const size = new Gauge('page_size')

export const options = {
  stages: [
    { duration: '1s', target: 4 },
    { duration: '1s', target: 4 },
    { duration: '200ms', target: 0 },
  ],
  thresholds: {
    page_wait: ['p(95)<10000', 'min>=40'],
    page_failures: ['rate<0.01'],
    'pages{kind:list}': ['count>0'],
    'pages{kind:detail}': ['count==0'],
  },
}

export default function () {
  const response = http.get(`${__ENV.BASE_URL}/slow/50`, { tags: { kind: 'list' } })
  const ok = check(response, { 'the page is there': (r) => r.body === 'slow' })
  waits.add(response.timings.duration)
  failures.add(!ok)
  pages.add(1, { kind: 'list' })
  size.add(response.body.length)
  sleep(0.05)
}
