import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A server that answers as its path asks, and remembers what it was asked. */
export interface TestServer extends AsyncDisposable {
  readonly url: string
  readonly requests: readonly string[]
  /** Resolves once a request for the path has come in. */
  seen(path: string): Promise<void>
}

export async function startServer(): Promise<TestServer> {
  const requests: string[] = []
  const waiting = new Map<string, () => void>()
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    requests.push(`${request.method} ${path}`)
    waiting.get(path)?.()
    void answer(request, response)
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    seen: (path) => new Promise((resolve) => waiting.set(path, resolve)),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let body = ''
  for await (const chunk of request.setEncoding('utf8')) body += chunk
  const [, verb = '', argument = ''] = (request.url ?? '').split('/')
  switch (verb) {
    case 'status':
      response.statusCode = Number(argument)
      return void response.end(JSON.stringify({ status: Number(argument) }))
    case 'echo':
      response.setHeader('content-type', 'application/json')
      response.setHeader('set-cookie', 'seen=yes')
      return void response.end(
        JSON.stringify({ method: request.method, headers: request.headers, body, items: [{ id: 7 }] }),
      )
    case 'slow':
      return void setTimeout(() => response.end('slow'), Number(argument))
    case 'cut':
      return void request.socket.destroy()
    case 'redirect':
      return void response.writeHead(302, { location: '/echo' }).end()
    case 'hang':
      return
    default:
      response.end('ok')
  }
}
