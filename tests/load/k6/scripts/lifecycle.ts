import { check, group } from 'k6'
import http from 'k6/http'

interface Data {
  readonly token: string
}

const base = __ENV['BASE_URL']

export const options = { vus: 2, iterations: 4, thresholds: { 'http_reqs{group:::setup}': ['count==1'] } }

export async function setup(): Promise<Data> {
  const response = await http.asyncRequest('POST', `${base}/setup`, JSON.stringify({ hello: true }))
  group('before', () => check(response, { 'set up': ({ status }) => status === 200 }))
  return { token: 'from setup' }
}

export default async function (data: Data): Promise<void> {
  check(data, { 'has what setup returned': ({ token }) => token === 'from setup' })
  void http.asyncRequest('GET', `${base}/first`).then(() => http.asyncRequest('GET', `${base}/then`))
  setTimeout(() => {
    check(data, { 'timers fire before the iteration ends': () => true })
  }, 20)
}

export async function teardown(data: Data): Promise<void> {
  await http.asyncRequest('DELETE', `${base}/teardown/${data.token.length}`)
}

export function handleSummary(data: {
  readonly metrics: { readonly iterations: { readonly values: { readonly count: number } } }
}): object {
  return { stdout: `summary of ${data.metrics.iterations.values.count} iterations\n` }
}
