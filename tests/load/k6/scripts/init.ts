import { check, group } from 'k6'
import { SharedArray } from 'k6/data'
import http from 'k6/http'
import { Counter } from 'k6/metrics'

/** What a script may do before its first iteration, and, by its part, what it may not. */
const seats = new SharedArray('seats', () => JSON.parse(open('./seats.json')))
const sold = new Counter('sold')
const order: string[] = []
setTimeout(() => order.push('timer'), 1)
const ticking = setInterval(() => {
  order.push('tick')
  clearInterval(ticking)
}, 5)
await new Promise<void>((done) => {
  setTimeout(done, 50)
})
http.setResponseCallback(http.expectedStatuses(200))
await refused(__ENV['PART'] ?? '')

export const options = { iterations: 1, thresholds: { checks: ['rate==1'] } }

export default function (): void {
  check(null, {
    'timers of the init context are heard': () => order.join() === 'timer,tick',
    'its data is there': () => seats.length > 0,
  })
}

async function refused(part: string): Promise<void> {
  if (part === 'request') await http.asyncRequest('GET', `${__ENV['BASE_URL']}/init`)
  if (part === 'jar') http.cookieJar()
  if (part === 'check') check(null, {})
  if (part === 'group') group('stalls', () => undefined)
  if (part === 'metric') sold.add(1)
}
