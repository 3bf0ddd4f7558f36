import { check } from 'k6'
import ws from 'k6/ws'

export const options = {
  vus: 2,
  iterations: 2,
  thresholds: { checks: ['rate==1'], ws_sessions: ['count==4'], ws_msgs_sent: ['count>=4'] },
}

export default function () {
  const heard = []
  let pongs = 0
  const url = `${__ENV.BASE_URL.replace('http', 'ws')}/talk`
  const response = ws.connect(url, { tags: { chat: 'hall' }, headers: { 'X-Seat': '7' } }, (socket) => {
    socket.on('open', () => {
      socket.send('two tickets')
      socket.sendBinary(Uint8Array.of(1, 2).buffer)
      socket.setInterval(() => socket.ping(), 20)
    })
    socket.on('message', (text) => heard.push(text))
    socket.on('binaryMessage', (bytes) => heard.push(new Uint8Array(bytes).length))
    socket.on('pong', () => {
      pongs += 1
      if (pongs === 2) socket.setTimeout(() => socket.close(), 20)
    })
    socket.on('close', () => heard.push('closed'))
  })
  check(response, {
    'the handshake was accepted': (r) => r.status === 101,
    'the header went along': () => JSON.parse(heard[0])['x-seat'] === '7',
    'all was heard': () => heard.slice(1).join() === 'two tickets,2,closed',
    'pings are answered': () => pongs > 1,
  })
  const lost = ws.connect('ws://127.0.0.1:1/', {}, (socket) =>
    socket.on('error', (e) => heard.push(e.error())),
  )
  check(lost, { 'a failure is an answer': (r) => r.status === 0 && /refused/i.test(heard.at(-1)) })
}
