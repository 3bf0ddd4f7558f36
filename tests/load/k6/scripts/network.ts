import { check } from 'k6'
import http from 'k6/http'

export const options = { iterations: 1, thresholds: { http_req_failed: ['rate==1'], checks: ['rate==1'] } }

export default async function (): Promise<void> {
  const refused = await http.asyncRequest('GET', __ENV['CLOSED_URL'] ?? '')
  const cut = await http.asyncRequest('GET', `${__ENV['BASE_URL']}/cut`)
  const late = await http.asyncRequest('GET', `${__ENV['BASE_URL']}/hang`, null, { timeout: '100ms' })
  const lost = await http.asyncRequest('GET', 'no-url')
  check(null, {
    'nothing arrived': () =>
      [refused, cut, late, lost].every(({ status, body }) => status === 0 && body === null),
    'refusal is named': () => refused.error_code === 1212 && refused.error === 'dial: connection refused',
    'a cut is named': () => cut.error_code === 1000 && cut.error === 'EOF',
    'lateness is named': () => late.error_code === 1050 && late.error === 'request timeout',
  })
}
