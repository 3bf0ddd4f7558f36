import { check, sleep } from 'k6'
import exec from 'k6/execution'
import { WebSocket } from 'k6/websockets'

export const options = {
  scenarios: {
    main: { executor: 'constant-vus', vus: 1, duration: '1s', gracefulStop: '0s' },
    after: { executor: 'per-vu-iterations', vus: 1, iterations: 1, startTime: '2100ms', exec: 'after' },
  },
  thresholds: { checks: ['rate==1'] },
}

let socket
let heard = 0

/** Is interrupted with a connection open, an interval running, and a timer due. */
export default function () {
  socket = new WebSocket(`${__ENV.BASE_URL.replace('http', 'ws')}/talk`)
  setInterval(() => {
    heard += 1
  }, 1)
  setTimeout(() => {
    heard += 1
  }, 1500)
  sleep(60)
}

/** The same user, to whom nothing of it comes any more. */
export function after() {
  const before = heard
  sleep(0.5)
  check(null, {
    'the same user': () => exec.vu.idInTest === 1,
    'its socket is closed': () => socket.readyState === WebSocket.CLOSED,
    'its timers are silent': () => heard === before,
  })
}
