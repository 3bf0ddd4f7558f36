import http from 'k6/http'

const place = __ENV['PLACE']

/** Loops without end, in one place. */
export const options = {
  setupTimeout: '1s',
  teardownTimeout: '1s',
  scenarios: {
    main: { executor: 'per-vu-iterations', vus: 1, iterations: 1, maxDuration: '1s', gracefulStop: '0s' },
  },
}

export async function setup(): Promise<void> {
  if (place === 'setup') loop()
  if (place === 'a callback') setTimeout(loop, 1)
}

export default async function (): Promise<void> {
  if (place === 'iteration') loop()
}

export async function teardown(): Promise<void> {
  await http.asyncRequest('GET', `${__ENV['BASE_URL']}/teardown`)
  if (place === 'teardown') loop()
}

function loop(): void {
  for (;;);
}
