import { check } from 'k6'
import { SharedArray } from 'k6/data'
import exec from 'k6/execution'
import http from 'k6/http'
import { parseRows, readSeats } from './rows.js'

const seats = new SharedArray('seats', () => readSeats())
const rows = new SharedArray('rows', () => parseRows(open('./rows.csv')))

export const options = { vus: 3, iterations: 6, thresholds: { checks: ['rate==1'] } }

export default function () {
  const row = rows[exec.scenario.iterationInTest % rows.length]
  const response = http.get(http.url`${__ENV.BASE_URL}/rows/${row.name}`)
  check(response, { answered: (r) => r.status === 200 && r.body === 'ok' })
  check(seats, {
    'all are there': (all) => all.length === 2 && all.map(({ row }) => row).join() === 'A,B',
    'lists work': (all) => all.find((seat) => seat.row === 'B') !== undefined && [...all].length === 2,
    'nobody writes': (all) =>
      refuses(() => all.push({ row: 'C' })) &&
      refuses(() => {
        all[0].row = 'Z'
      }),
    'nothing is beyond': (all) => all[2] === undefined && all.at(-1).row === 'B',
  })
}

function refuses(write) {
  try {
    write()
    return false
  } catch {
    return true
  }
}
