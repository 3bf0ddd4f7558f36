import { check, sleep } from 'k6'
import http from 'k6/http'

const url = `${__ENV.BASE_URL}/echo`

export const options = { vus: 3, iterations: 3, thresholds: { checks: ['rate==1'] } }

/** A call blocks wherever a function may be called. */
class Order {
  constructor(seat) {
    this.answer = http.post(url, seat)
  }

  get seat() {
    return this.answer.json('body') + http.get(url).json('items.0.id')
  }

  toJSON() {
    return http.post(url, 'json').json('body')
  }
}

function* pages() {
  for (const page of ['one', 'two']) yield http.post(url, page).json('body')
}

async function later() {
  sleep(0.01)
  return http.post(url, 'later').json('body')
}

function withFinally() {
  try {
    throw new Error('no')
  } catch (error) {
    return error.message + http.post(url, 'catch').json('body')
  } finally {
    sleep(0.01)
  }
}

export default async function () {
  const order = new Order('A')
  const sorted = [3, 1, 2].sort((one, other) => {
    sleep(0.005)
    return one - other
  })
  const replaced = 'ab'.replace(/./g, (letter) => http.post(url, letter.toUpperCase()).json('body'))
  const proxy = new Proxy({}, { get: (_, name) => http.post(url, name).json('body') })
  const depth = deepest()
  check(null, {
    'in a constructor and a getter': () => order.seat === 'A7',
    'in toJSON': () => JSON.stringify({ order }) === '{"order":"json"}',
    'in a comparator': () => sorted.join() === '1,2,3',
    'in a callback of replace': () => replaced === 'AB',
    'in map': () => [1, 2].map((n) => http.post(url, String(n)).json('body')).join() === '1,2',
    'in a generator': () => [...pages()].join() === 'one,two',
    'in a proxy': () => proxy.name === 'name',
    'in catch and finally': () => withFinally() === 'nocatch',
    'recursion without end is an error': () => depth === 'InternalError' || depth === 'RangeError',
  })
  const found = await later()
  check(found, { 'in an asynchronous function': (text) => text === 'later' })
}

function deepest() {
  const deeper = () => deeper() + 1
  try {
    return deeper()
  } catch (error) {
    return error.name
  }
}
