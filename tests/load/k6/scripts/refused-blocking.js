import { check, sleep } from 'k6'
import { parseHTML } from 'k6/html'
import http from 'k6/http'

const part = __ENV.PART

export const options = { iterations: 1 }

/** What is refused stays refused when the script looks away. */
export default function () {
  try {
    use(part)
  } catch {
    check(null, { 'nobody sees this as a failure': () => true })
    sleep(0.1)
  }
}

function use(name) {
  const url = `${__ENV.BASE_URL}/echo`
  if (name === 'parameter') http.get(url, { proxy: 'http://127.0.0.1' })
  if (name === 'login') http.get(url, { auth: 'digest' })
  if (name === 'compression') http.post(url, 'text', { compression: 'zstd' })
  if (name === 'selector') http.get(url).json('items.#(id==7)')
  if (name === 'callback') http.get(url, { responseCallback: (status) => status === 200 })
  if (name === 'element') parseHTML('<a href="/">').find('a').get(0).href()
  if (name === 'require') require('k6/http')
}
