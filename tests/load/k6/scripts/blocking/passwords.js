import http from 'k6/http'

const login = __ENV.BASE_URL.replace('://', '://anna:secret@')

export const options = { iterations: 1, thresholds: { 'http_reqs{scenario:default}': ['count==4'] } }

/** Whatever becomes of a request, its password is told to nobody. */
export default function () {
  http.get(`${login}/status/200`)
  http.get(http.url`${login}/status/${200}`)
  http.get('ftp://anna:secret@127.0.0.1/')
  http.get('http://anna:secret@127.0.0.1:1/')
}
