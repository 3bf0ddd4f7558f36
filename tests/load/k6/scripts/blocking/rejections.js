import { check, sleep } from 'k6'
import http from 'k6/http'

const how = __ENV.HOW
const url = `${__ENV.BASE_URL}/echo`

export const options = {
  scenarios: { main: { executor: 'per-vu-iterations', vus: 1, iterations: 2 } },
  thresholds: { checks: ['rate==1'] },
}

let iterations = 0

/** A promise that is rejected ends its iteration, unless somebody looks at it in time. */
export default async function () {
  iterations += 1
  sleep(0.001)
  if (how === 'handled') await handled()
  if (how === 'dropped') void Promise.reject(new Error('nobody looks'))
  if (how === 'forgotten await') void later()
  if (how === 'in a timer') setTimeout(later, 1)
  if (how === 'bad request') void http.asyncRequest('GET', url, null, { timeout: 'soon' })
  if (how === 'returned') return Promise.reject(new Error('nobody looks'))
  await http.asyncRequest('GET', `${url}/${iterations}`)
  http.get(`${__ENV.BASE_URL}/end/${iterations}`)
}

async function later() {
  await null
  throw new Error('nobody looks')
}

async function handled() {
  const caught = []
  const catchIt = (error) => caught.push(error.message)
  await Promise.reject(new Error('a')).catch(catchIt)
  await later().catch(catchIt)
  const soon = later()
  await Promise.allSettled([soon, Promise.reject(new Error('b'))])
  try {
    await Promise.all([later(), later()])
  } catch (error) {
    catchIt(error)
  }
  check(caught, { 'all were looked at': (all) => all.length === 3 })
}
