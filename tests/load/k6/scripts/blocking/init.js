import { check, group, sleep } from 'k6'
import { SharedArray } from 'k6/data'
import http from 'k6/http'
import { Counter } from 'k6/metrics'

/** What a script may do before its first iteration, and, by its part, what it may not. */
const seats = new SharedArray('seats', () => JSON.parse(open('./seats.json')))
const sold = new Counter('sold')
const jar = new http.CookieJar()
const order = []
setTimeout(() => order.push('timer'), 1)
const ticking = setInterval(() => {
  order.push('tick')
  clearInterval(ticking)
}, 5)
sleep(0.02)
order.push('slept')
await new Promise((done) => setTimeout(done, 50))
http.setResponseCallback(http.expectedStatuses(200))
await refused(__ENV.PART)

export const options = { iterations: 1, thresholds: { checks: ['rate==1'] } }

export default function () {
  jar.set(__ENV.BASE_URL, 'seat', 'A1')
  check(null, {
    'timers of the init context are heard': () => order.join() === 'slept,timer,tick',
    'its data is there': () => seats.length > 0,
    'a jar of its own': () => jar.cookiesForURL(__ENV.BASE_URL).seat[0] === 'A1',
  })
}

async function refused(part) {
  const url = `${__ENV.BASE_URL}/init`
  if (part === 'request') http.get(url)
  if (part === 'later') await http.asyncRequest('GET', url)
  if (part === 'batch') http.batch([url])
  if (part === 'jar') http.cookieJar()
  if (part === 'check') check(null, {})
  if (part === 'group') group('stalls', () => sleep(0))
  if (part === 'metric') sold.add(1)
}
