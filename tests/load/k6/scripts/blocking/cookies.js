import { check } from 'k6'
import http from 'k6/http'

const BASE_URL = __ENV.BASE_URL

export const options = { iterations: 2, thresholds: { checks: ['rate==1'], http_reqs: ['count==20'] } }

export default function () {
  const fresh = http.get(`${BASE_URL}/status/200`)
  const account = http.post(`${BASE_URL}/login`, { user: 'anna' })
  const other = new http.CookieJar()
  other.set(BASE_URL, 'hall', 'main', { path: '/echo' })
  const asOther = http.get(`${BASE_URL}/echo`, { jar: other })
  const jar = http.cookieJar()
  jar.set(`${BASE_URL}/echo`, 'lang', 'de')
  const mixed = http.get(`${BASE_URL}/echo`, {
    cookies: { seat: 'A1', session: { value: 'mine', replace: true }, lang: 'fr' },
  })
  jar.delete(BASE_URL, 'lang')
  const stayed = http.get(`${BASE_URL}/redirect`, { redirects: 0 })
  const followed = http.get(`${BASE_URL}/redirect`)
  const kept = http.request('POST', `${BASE_URL}/moved`, 'text', { headers: { 'X-Kept': 'yes' } })
  check(null, {
    'an iteration starts without cookies': () => Object.keys(fresh.cookies).length === 0,
    'a login is followed to its page': () =>
      account.url === `${BASE_URL}/echo` && account.json('method') === 'GET',
    'its cookie goes along': () => account.json('headers.cookie') === 'session=anna',
    'another jar has its own': () => asOther.json('headers.cookie') === 'hall=main',
    'a jar says what it has': () => jar.cookiesForURL(BASE_URL).session[0] === 'anna',
    'cookies of a request come on top': () => cookiesOf(mixed) === 'lang=de; seat=A1; seen=yes; session=mine',
    'a response shows its cookies': () => mixed.cookies.seen[0].value === 'yes',
    'a redirect may stay': () => stayed.status === 302 && stayed.headers.Location === '/echo',
    'or be followed': () => followed.status === 200 && !followed.json('headers.cookie').includes('lang'),
    'what moved keeps method and body': () => kept.json('method') === 'POST' && kept.json('body') === 'text',
    'and headers': () => kept.json('headers.x-kept') === 'yes',
  })
}

function cookiesOf(response) {
  return response.json('headers.cookie').split('; ').sort().join('; ')
}
