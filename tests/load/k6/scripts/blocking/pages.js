import { check, group, sleep } from 'k6'
import http from 'k6/http'

/** A buyer who clicks through pages, as recorded scripts and k6's documentation do. */
export const options = { vus: 2, iterations: 2, thresholds: { checks: ['rate==1'] } }

const BASE_URL = __ENV.BASE_URL

export default function () {
  let response
  group('01. Home', () => {
    response = http.get(`${BASE_URL}/pages/home`)
    check(response, {
      'title is correct': (r) => r.html().find('head title').text() === 'Home',
      'and selected at once': (r) => r.html('h1').text() === 'Seats',
    })
    const links = []
    response.html('a').each((_, link) => links.push(link.getAttribute('href')))
    check(links, { 'two links': (all) => all.join() === '/pages/login,/echo?from=home' })
    sleep(0.01)
  })
  group('02. Login', () => {
    response = response.clickLink({ selector: 'a:contains("Log in")' })
    const token = response.html().find('input[name=csrf]').first().attr('value')
    check(token, { 'a token': (value) => value === 'abc123' })
    response = response.submitForm({
      formSelector: '#login',
      fields: { login: 'anna', password: 's p' },
      params: { headers: { 'X-Seat': 'A1' } },
    })
    check(response, {
      'the form arrives': (r) => r.json('body') === 'csrf=abc123&login=anna&password=s+p&go=in',
      'where it says': (r) => r.json('method') === 'POST' && r.url === `${BASE_URL}/echo`,
      'with params': (r) => r.json('headers.x-seat') === 'A1',
    })
  })
  const searched = http
    .get(`${BASE_URL}/pages/login`)
    .submitForm({ formSelector: '#search', fields: { q: 'a&b' } })
  const clicked = http
    .get(`${BASE_URL}/pages/home`)
    .clickLink({ selector: 'a', params: { tags: { name: 'x' } } })
  check(null, {
    'a search is a GET': () =>
      searched.url === `${BASE_URL}/echo/search?q=a%26b` && searched.json('method') === 'GET',
    'the first link': () => clicked.url === `${BASE_URL}/pages/login`,
    'a form that is not there': () =>
      says(() => clicked.submitForm({ formSelector: '#no' }), /no form found/),
    'a link that is not there': () => says(() => clicked.clickLink({ selector: '#no' }), /no element found/),
  })
}

function says(call, words) {
  try {
    call()
    return false
  } catch (error) {
    return words.test(error.message)
  }
}
