import { fail, sleep } from 'k6'
import exec from 'k6/execution'
import http from 'k6/http'

const ending = __ENV.ENDING
const BASE_URL = __ENV.BASE_URL

export const options = {
  scenarios: {
    main: {
      executor: 'constant-vus',
      vus: 1,
      // An hour is longer than any test: only the end of the test ends it.
      duration: ending === 'abort and loop' ? '1h' : '1s',
      gracefulStop: '0s',
    },
    after: { executor: 'per-vu-iterations', vus: 1, iterations: 1, startTime: '2100ms', exec: 'after' },
  },
}

let iterations = 0

export function setup() {
  if (ending === 'setup throws') throw new Error('no hall')
}

export default function () {
  iterations += 1
  sleep(0.1)
  if (ending === 'fail') fail('sold out')
  if (ending === 'abort') caught(() => exec.test.abort('enough'))
  if (ending === 'abort and loop') {
    swallow(() => exec.test.abort('enough'))
    for (;;) swallow(() => exec.vu.idInTest)
  }
  if (ending === 'mark') exec.test.fail('not good')
  if (ending === 'asleep') caught(() => sleep(60))
  if (ending === 'hanging') caught(() => http.get(`${BASE_URL}/hang`))
  if (ending === 'lost in a loop') caught(loop)
  if (ending === 'busy') for (;;) swallow(() => sleep(0.01))
}

function loop() {
  for (;;);
}

/** What is over goes no further, also where it looks away. */
function caught(call) {
  try {
    call()
  } catch {
    http.get(`${BASE_URL}/after-the-end`)
  } finally {
    http.get(`${BASE_URL}/after-all`)
  }
}

/** The same user again, whose module remembers. */
export function after() {
  http.get(`${BASE_URL}/again/${iterations > 0}`)
}

export function teardown() {
  http.get(`${BASE_URL}/teardown`)
}

function swallow(call) {
  try {
    call()
  } catch {}
}
