import { textSummary } from 'https://jslib.k6.io/k6-summary/0.0.1/index.js'
import {
  findBetween,
  randomIntBetween,
  randomItem,
  randomString,
  uuidv4,
} from 'https://jslib.k6.io/k6-utils/1.4.0/index.js'
import { check, sleep } from 'k6'
import http from 'k6/http'

export const options = { vus: 2, iterations: 2, thresholds: { checks: ['rate==1'] } }

export default function () {
  const rows = randomIntBetween(2, 4)
  const response = http.post(`${__ENV.BASE_URL}/echo`, JSON.stringify({ row: randomItem(['A', 'B']), rows }))
  check(response, {
    'a number of rows': () => Number.isInteger(rows) && rows >= 2 && rows <= 4,
    'one of the rows': (r) => /^\{"row":"[AB]"/.test(r.json('body')),
    'a text': () => /^[a-z]{8}$/.test(randomString(8)) && /^[xy]{2}$/.test(randomString(2, 'xy')),
    'an id': () => /^[0-9a-f]{8}-[0-9a-f]{4}-4/.test(uuidv4()) && new Set([uuidv4(), uuidv4()]).size === 2,
    'what stands between': (r) => findBetween(r.body, '"method":"', '"') === 'POST',
    'all that does': () => findBetween('<a><b>', '<', '>', true).join() === 'a,b',
  })
  sleep(randomIntBetween(1, 2) / 100)
}

export function handleSummary(data) {
  return { stdout: textSummary(data, { indent: '  ', enableColors: true }) }
}
