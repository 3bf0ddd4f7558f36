import { check, sleep } from 'k6'
import http from 'k6/http'

const BASE_URL = __ENV.BASE_URL

export const options = { vus: 2, iterations: 2, thresholds: { checks: ['rate==1'], http_reqs: ['count==8'] } }

/** What began before a call that blocks goes on meanwhile, and is heard after it. */
export default async function () {
  const order = []
  const slow = http.asyncRequest('GET', `${BASE_URL}/slow/50`)
  setTimeout(() => order.push('timer'), 10)
  sleep(0.1)
  order.push('slept')
  const { body } = await slow
  order.push(body)
  const all = await Promise.all(['a', 'b'].map((text) => http.asyncRequest('POST', `${BASE_URL}/echo`, text)))
  let ticks = 0
  const ticking = setInterval(() => {
    ticks += 1
    if (ticks === 3) clearInterval(ticking)
  }, 5)
  await new Promise((done) => setTimeout(done, 100))
  const last = http.get(`${BASE_URL}/status/200`)
  check(null, {
    // Which of the two ended first, a busy machine decides.
    'after the call that blocked': () =>
      order[0] === 'slept' && order.toSorted().join() === 'slept,slow,timer',
    'both answers': () => all.map((answer) => answer.json('body')).join() === 'a,b',
    'an interval ends': () => ticks === 3,
    'and blocks again': () => last.status === 200,
  })
}
