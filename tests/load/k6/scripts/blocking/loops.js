import { sleep } from 'k6'
import http from 'k6/http'

const place = __ENV.PLACE

/** Loops without end, in one place. */
export const options = { setupTimeout: '1s', teardownTimeout: '1s', iterations: 1 }

export function setup() {
  if (place === 'setup') loop()
}

export default function () {
  sleep(0.01)
}

export function teardown() {
  http.get(`${__ENV.BASE_URL}/teardown`)
  if (place === 'teardown') loop()
}

export function handleSummary() {
  if (place === 'handleSummary') loop()
  return { stdout: 'the summary' }
}

function loop() {
  for (;;);
}
