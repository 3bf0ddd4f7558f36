import { check } from 'k6'
import crypto from 'k6/crypto'
import http, { type Params, type RefinedResponse } from 'k6/http'
import type { Options } from 'k6/options'

interface Payment {
  readonly id: string
  readonly cents: number
}

export const options: Options = { vus: 2, iterations: 2, thresholds: { checks: ['rate==1'] } }

const secret: string = __ENV['WEBHOOK_SECRET'] ?? 'whsec'

function signed(payment: Payment): RefinedResponse<'text'> {
  const body = JSON.stringify(payment)
  const at = Math.floor(Date.now() / 1000)
  const signature = crypto.hmac('sha256', secret, `${at}.${body}`, 'hex')
  const params = { headers: { 'Stripe-Signature': `t=${at},v1=${signature}` } } satisfies Params
  return http.post(`${__ENV['BASE_URL']}/echo`, body, params)
}

export default function (): void {
  const hasher = crypto.createHash('sha1')
  hasher.update('one ')
  hasher.update('ticket')
  const digest: string = hasher.digest('hex')
  const response = signed({ id: crypto.sha256(crypto.randomBytes(4), 'hex'), cents: 2000 })
  check(response, {
    'signed as the provider signs': (r) =>
      /^t=\d+,v1=[0-9a-f]{64}$/.test(String(r.json('headers.stripe-signature'))),
    'a digest in parts is that of the whole': () => digest === crypto.sha1('one ticket', 'hex'),
    'an id of its own': () => /^[0-9a-f-]{36}$/.test(globalThis.crypto.randomUUID()),
  })
}
