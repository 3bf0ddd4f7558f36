import { check } from 'k6'
import http from 'k6/http'

/** The same server under two names: to a client these are two hosts. */
const here = __ENV.BASE_URL
const elsewhere = here.replace('127.0.0.1', 'localhost')

export const options = { iterations: 1, thresholds: { checks: ['rate==1'] } }

export default function () {
  const params = { headers: { Authorization: 'Bearer secret', 'X-Seat': 'A1' }, cookies: { hall: 'main' } }
  const kept = http.post(`${here}/redirect`, 'text', params)
  const foreign = http.get(`${here}/to/302/${encodeURIComponent(`${elsewhere}/echo`)}`, params)
  const withLogin = http.get(`${here.replace('://', '://anna:secret@')}/redirect`)
  check(null, {
    'credentials stay with their host': () => kept.json('headers.authorization') === 'Bearer secret',
    'and so do the cookies of the request': () => kept.json('headers.cookie') === 'hall=main',
    'a moved form is a GET without a body': () => kept.json('method') === 'GET' && kept.json('body') === '',
    'a foreign host gets neither': () =>
      foreign.json('headers.authorization') === undefined && foreign.json('headers.cookie') === undefined,
    'but the rest': () => foreign.json('headers.x-seat') === 'A1',
    'and where it came from': () => foreign.json('headers.referer').startsWith(`${here}/to/302/`),
    'a login in the address goes along': () => withLogin.json('headers.authorization').startsWith('Basic '),
  })
}
