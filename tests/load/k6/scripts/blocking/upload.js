import { check } from 'k6'
import crypto from 'k6/crypto'
import encoding from 'k6/encoding'
import http from 'k6/http'

const rows = open('./rows.csv', 'b')

export const options = { iterations: 1, thresholds: { checks: ['rate==1'] } }

export default function () {
  const sent = http.post(`${__ENV.BASE_URL}/echo`, {
    event: 'Opening night',
    rows: http.file(rows, 'rows.csv', 'text/csv'),
  })
  const bytes = http.get(`${__ENV.BASE_URL}/bytes`, { responseType: 'binary' })
  const back = http.post(`${__ENV.BASE_URL}/echo`, bytes.body)
  const zipped = http.get(`${__ENV.BASE_URL}/gzip`)
  const zip = http.post(`${__ENV.BASE_URL}/echo`, 'a'.repeat(1000), { compression: 'gzip' })
  check(sent, {
    'it is a multipart form': (r) =>
      /^multipart\/form-data; boundary=\w+$/.test(r.json('headers.content-type')),
    'with a field': (r) => r.json('body').includes('name="event"\r\n\r\nOpening night\r\n'),
    'and a file': (r) =>
      r
        .json('body')
        .includes('name="rows"; filename="rows.csv"\r\nContent-Type: text/csv\r\n\r\nname,price\n'),
  })
  check(bytes, {
    'bytes come as they are': (r) => [...new Uint8Array(r.body)].join() === '0,1,2,255',
    'they can be digested': (r) => crypto.md5(r.body, 'hex') === '0416dab819887333af831f8c765ac2ae',
    'and encoded': (r) =>
      encoding.b64encode(r.body) === 'AAEC/w==' && encoding.b64encode(r.body, 'rawurl') === 'AAEC_w',
    'and sent': () => back.json('headers.content-length') === '4',
  })
  check(encoding.b64decode('QWRtaXQ=', 'std', 's'), { 'text is decoded': (text) => text === 'Admit' })
  check(zipped, { 'what is compressed is read': (r) => r.body === 'compressed' })
  check(zip, { 'and sent on request': (r) => Number(r.json('headers.content-length')) < 100 })
}
