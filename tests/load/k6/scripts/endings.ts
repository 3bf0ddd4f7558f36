import exec from 'k6/execution'
import http from 'k6/http'
import { Counter } from 'k6/metrics'

const ending = __ENV['ENDING']
const bad = new Counter('bad')

export const options = {
  scenarios: {
    main: {
      executor: 'constant-vus',
      vus: 1,
      duration: ending === 'threshold' ? '30s' : '1s',
      gracefulStop: ending === 'interrupted' ? '0s' : '5s',
    },
  },
  thresholds: { bad: [{ threshold: 'count==0', abortOnFail: true }] },
}

export function setup(): void {
  if (ending === 'setup throws') throw new Error('no hall')
}

export default async function (): Promise<void> {
  await new Promise<void>((done) => {
    setTimeout(done, 100)
  })
  if (ending === 'abort') exec.test.abort('enough')
  if (ending === 'abort caught') await goOnAfterAbort()
  if (ending === 'fail') exec.test.fail('not good')
  if (ending === 'threshold') bad.add(1)
  if (ending === 'throw') throw new Error('boom')
  if (ending === 'unhandled') void Promise.reject(new Error('nobody looks'))
  if (ending === 'interrupted') await http.asyncRequest('GET', `${__ENV['BASE_URL']}/hang`)
}

async function goOnAfterAbort(): Promise<void> {
  try {
    exec.test.abort()
  } finally {
    setTimeout(() => http.asyncRequest('GET', `${__ENV['BASE_URL']}/after-a-while`), 0)
    await http.asyncRequest('GET', `${__ENV['BASE_URL']}/after-the-end`)
  }
}

export async function teardown(): Promise<void> {
  await http.asyncRequest('GET', `${__ENV['BASE_URL']}/teardown`)
  if (ending === 'teardown throws') throw new Error('no broom')
}
