import http from 'k6/http'
import { WebSocket } from 'k6/websockets'

const baseUrl = String(__ENV['BASE_URL'])

export const options = {
  scenarios: { open: { executor: 'constant-vus', vus: 1, duration: '1s', gracefulStop: '0s' } },
}

export default function (): void {
  for (const _ of [1, 2]) new WebSocket(`${baseUrl.replace('http', 'ws')}/talk`)
}

const asksMax = 100

/** The server, too, sees both connections end: soon, if not at once. */
export async function teardown(): Promise<void> {
  let seen = ''
  for (let ask = 0; ask < asksMax && seen !== '0 of 2'; ask++) {
    await new Promise<void>((done) => {
      setTimeout(done, 50)
    })
    seen = String((await http.asyncRequest('GET', `${baseUrl}/sockets`)).body)
  }
  if (seen !== '0 of 2') throw new Error(`${seen} connections are open`)
}
