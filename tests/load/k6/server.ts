import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { type WebSocket, WebSocketServer } from 'ws'

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
    const connected = requests.filter((line) => line.startsWith('CONNECT')).length
    void answer(request, response, `${sockets.clients.size} of ${connected}`)
  })
  const verifyClient = ({ req }: { readonly req: IncomingMessage }) => req.url !== '/refused'
  const sockets = new WebSocketServer({ server, verifyClient })
  sockets.on('connection', (socket, request) => {
    requests.push(`CONNECT ${request.url}`)
    talk(socket, request)
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

/** Says who called and pings; repeats what it hears; closes with the code and the reason that the path names. */
function talk(socket: WebSocket, { url = '', headers }: IncomingMessage): void {
  const [, verb, code, reason] = url.split('/')
  if (verb === 'close') socket.close(Number(code), reason)
  else if (verb === 'cut') socket.terminate()
  else {
    socket.send(JSON.stringify(headers))
    socket.ping()
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
  }
}

const pages: Readonly<Record<string, string>> = {
  home: `<title>Home</title><h1>Seats</h1><a href="/pages/login">Log in</a> <a href="/echo?from=home">Echo</a>`,
  login: `<title>Log in</title>
    <form id="search" action="../echo/search?old=1"><input name="q" value=""></form>
    <form id="login" action="/echo" method="POST"><input type="hidden" name="csrf" value="abc123">
      <input name="login"><input name="password" type="password"><input type="submit" name="go" value="in"></form>`,
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  openSockets: string,
): Promise<void> {
  let body = ''
  for await (const chunk of request.setEncoding('utf8')) body += chunk
  const [, verb = '', argument = '', place = ''] = (request.url ?? '').split('/')
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
    case 'pages':
      return void response.writeHead(200, { 'content-type': 'text/html' }).end(pages[argument])
    case 'to':
      return void response.writeHead(Number(argument), { location: decodeURIComponent(place) }).end()
    case 'redirect':
      return void response.writeHead(302, { location: '/echo' }).end()
    case 'moved':
      return void response.writeHead(307, { location: '/echo' }).end()
    case 'login':
      return void response
        .writeHead(302, {
          location: '/echo',
          'set-cookie': `session=${new URLSearchParams(body).get('user')}; HttpOnly`,
        })
        .end()
    case 'bytes':
      return void response.end(Uint8Array.of(0, 1, 2, 255))
    case 'gzip':
      return void response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('compressed'))
    case 'hang':
      return
    case 'sockets':
      return void response.end(openSockets)
    default:
      response.end('ok')
  }
}
