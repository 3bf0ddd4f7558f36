import papaparse from 'https://jslib.k6.io/papaparse/5.1.1/index.js'
import http from 'k6/http'

export default function () {
  http.get(`${__ENV.BASE_URL}/${papaparse.parse('')}`)
}
