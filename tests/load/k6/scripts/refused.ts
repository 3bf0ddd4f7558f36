import { check } from 'k6'
import { parseHTML } from 'k6/html'
import http from 'k6/http'
import { WebSocket } from 'k6/websockets'

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

const socketUrl = `${String(__ENV['BASE_URL']).replace('http', 'ws')}/talk`

function sendBytes(): void {
  const socket = new WebSocket(socketUrl)
  socket.onopen = () => socket.send(new ArrayBuffer(4))
}

async function use(name: string): Promise<void> {
  const url = `${__ENV['BASE_URL']}/echo`
  if (name === 'parameter') await http.asyncRequest('GET', url, null, { auth: 'digest' })
  if (name === 'selector') (await http.asyncRequest('GET', url)).json('items.*.id')
  if (name === 'socket parameter') new WebSocket(socketUrl, null, { jar: null as never })
  if (name === 'blob') sendBytes()
  if (name === 'element')
    parseHTML('<a href="/">')
      .find('a')
      .each((_, link) => link.isEqualNode(link))
  if (name === 'page selector') parseHTML('<p>').find('p:first')
}
