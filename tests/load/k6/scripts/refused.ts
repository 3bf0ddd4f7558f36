import { check, sleep } from 'k6'
import { md5 } from 'k6/crypto'
import http from 'k6/http'

const part = __ENV['PART']

export const options = {
  iterations: 1,
  ...(part === 'option' ? { dns: { ttl: '1m' } } : {}),
  ...(part === 'metric' ? { thresholds: { nobody: ['count>0'] } } : {}),
  ...(part === 'statistic' ? { summaryTrendStats: ['mean'] } : {}),
  ...(part === 'threshold' ? { thresholds: { iterations: ['p(95)<1'] } } : {}),
}

/** What is refused stays refused when the script looks away. */
export default async function (): Promise<void> {
  try {
    await use(part ?? '')
  } catch {
    check(null, { 'nobody sees this as a failure': () => true })
  }
}

async function use(name: string): Promise<void> {
  const url = `${__ENV['BASE_URL']}/echo`
  if (name === 'sleep') sleep(1)
  if (name === 'http.post') http.post(url)
  if (name === 'http.batch') http.batch([url])
  if (name === 'parameter') await http.asyncRequest('GET', url, null, { auth: 'digest' })
  if (name === 'selector') (await http.asyncRequest('GET', url)).json('items.#.id')
  if (name === 'cookies') void (await http.asyncRequest('GET', url)).cookies
  if (name === 'redirect') await http.asyncRequest('GET', `${__ENV['BASE_URL']}/redirect`)
  if (name === 'digest') void crypto.subtle
  if (name === 'weak digest') md5('', 'hex')
}
