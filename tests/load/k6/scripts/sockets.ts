import { check } from 'k6'
import { WebSocket } from 'k6/websockets'

const baseUrl = String(__ENV['BASE_URL']).replace('http', 'ws')

export const options = {
  iterations: 1,
  thresholds: {
    checks: ['rate==1'],
    ws_sessions: ['count==6'],
    'ws_sessions{name:talk}': ['count==1'],
    ws_connecting: ['max>0'],
    ws_session_duration: ['max>=100'],
    ws_msgs_sent: ['count==4'],
    ws_msgs_received: ['count==3'],
    ws_ping: ['max>0'],
    iteration_duration: ['min>=100'],
  },
}

export default function (): void {
  talk()
  for (const path of ['/close/4001/enough', '/close/1000', '/cut', '/refused']) listen(`${baseUrl}${path}`)
  listen('ws://127.0.0.1:1/')
  check(null, {
    'another scheme is refused': () => throws(() => new WebSocket('http://127.0.0.1/')),
    'a fragment is refused': () => throws(() => new WebSocket('ws://127.0.0.1/#there')),
  })
}

/** Text, bytes, a ping of each side, and an end of ours. */
function talk(): void {
  const socket = new WebSocket(`${baseUrl}/talk?as=anna`, null, {
    headers: { 'X-Seat': '7' },
    tags: { name: 'talk' },
  })
  const heard: (string | ArrayBuffer)[] = []
  const order: string[] = []
  let pings = 0
  socket.binaryType = 'arraybuffer'
  check(socket, {
    'it is connecting at first': ({ readyState }) => readyState === WebSocket.CONNECTING,
    'and sends nothing yet': () => throws(() => socket.send('early')),
    'a listener is a function': () => throws(() => socket.addEventListener('open', 'no' as never)),
    'a code of a close is ours to give': () => throws(() => socket.close(1001)),
  })
  socket.onopen = () => {
    check(socket, { 'it is open then': ({ readyState, OPEN }) => readyState === OPEN })
    socket.send('two tickets')
    socket.send(Uint8Array.of(1, 2).buffer)
    setTimeout(() => socket.ping(), 100)
  }
  socket.onping = () => {
    pings += 1
  }
  socket.addEventListener('message', () => order.push('added'))
  socket.onmessage = (event) => {
    order.push('own')
    heard.push(event?.data as string | ArrayBuffer)
    check(event, {
      'a message has its time': (message) => Math.abs(Date.now() - (message?.timestamp ?? 0)) < 60_000,
    })
  }
  socket.onpong = () => socket.close()
  socket.onclose = (...[event]: readonly { code?: number }[]) => {
    const [headers = '{}', text, bytes] = heard
    check(event, {
      'its end has a code': (end) => end?.code === 1000,
      'the server saw our header': () => JSON.parse(String(headers))['x-seat'] === '7',
      'text comes back': () => text === 'two tickets',
      'bytes come back': () => bytes instanceof ArrayBuffer && new Uint8Array(bytes)[1] === 2,
      'a ping of the server is heard': () => pings === 1,
      'the listener of the property comes first': () => order.join() === 'own,added,own,added,own,added',
    })
  }
}

/** How each connection that we do not end comes to its end. */
const ends: Readonly<Record<string, readonly [error: RegExp | undefined, code: number | undefined]>> = {
  [`${baseUrl}/close/4001/enough`]: [/4001.*enough/, 4001],
  [`${baseUrl}/close/1000`]: [undefined, 1000],
  [`${baseUrl}/cut`]: [/1006/, 1006],
  [`${baseUrl}/refused`]: [/bad handshake/, undefined],
  'ws://127.0.0.1:1/': [/refused/i, undefined],
}

function listen(url: string): void {
  const [wanted, code] = ends[url] ?? []
  const socket = new WebSocket(url)
  let error: string | undefined
  socket.onerror = (event) => {
    error = event?.error
  }
  socket.onclose = (...[event]: readonly { code?: number }[]) => {
    check(event, {
      [`an error before the end of ${url.replace(baseUrl, '')}`]: () =>
        wanted === undefined ? error === undefined : wanted.test(error ?? ''),
      [`the code of the end of ${url.replace(baseUrl, '')}`]: (end) => end?.code === code,
    })
  }
}

function throws(call: () => unknown): boolean {
  try {
    call()
    return false
  } catch {
    return true
  }
}
