import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'

const root = new URL('../../', import.meta.url)
const libc = process.platform === 'linux' ? '-glibc' : ''
const binary = fileURLToPath(
  new URL(`node_modules/@deno/${process.platform}-${process.arch}${libc}/deno`, root),
)

/** Why Deno cannot be run here; false where it can. */
export const noDeno: string | false = existsSync(binary) ? false : `no Deno at ${binary}`

export interface Workers extends AsyncDisposable {
  readonly url: string
}

/** All functions of `supabase/functions` under real Deno, with these variables and none of ours. */
export async function startWorkers(environment: Readonly<Record<string, string>>): Promise<Workers> {
  const config = fileURLToPath(new URL('supabase/functions/deno.json', root))
  const file = fileURLToPath(new URL('tests/edge/workers.ts', root))
  const { port, end } = await startDeno([`--config=${config}`, file], environment)
  return { url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: end }
}

/** A program under real Deno that is there once a line on either stream says its port; nothing is fetched for it. */
export async function startDeno(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<{ readonly port: number; end(): Promise<void> }> {
  const options = ['--allow-all', '--no-prompt', '--no-lock', '--cached-only', '--node-modules-dir=manual']
  const child = spawn(binary, ['run', ...options, ...args], {
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: process.env['HOME'] ?? '',
      NO_COLOR: '1',
      DENO_NO_UPDATE_CHECK: '1',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  child.stderr.pipe(process.stderr, { end: false })
  const ended = once(child, 'exit')
  const portIn = async (stream: Readable) => {
    for await (const line of createInterface({ input: stream })) {
      const port = /"port":(\d+)|Listening on \S+:(\d+)/.exec(line)
      if (port !== null) return Number(port[1] ?? port[2])
    }
    return ended.then(() => undefined)
  }
  const port = await Promise.race([portIn(child.stdout), portIn(child.stderr)])
  if (port === undefined) throw new Error('Deno ended before it listened')
  const end = async () => {
    child.kill('SIGKILL')
    await ended
  }
  return { port, end }
}

/** As Supabase's gateway: what is asked of a function goes to its worker, the path without what stands before its name. */
export async function forward({ url }: Workers, request: Request): Promise<Response> {
  const { pathname, search } = new URL(request.url)
  const { method, headers } = request
  const body = Buffer.from(await request.arrayBuffer())
  const path = `${url}${pathname.slice('/functions/v1'.length)}${search}`
  // Not by fetch, which unpacks what it was sent.
  const asked = httpRequest(path, { method, headers: [...headers].flat() })
  asked.end(body)
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  const named = Object.entries(answer.headers).filter(([name]) => !HOP_BY_HOP.has(name))
  const chunks = await answer.toArray()
  const status = answer.statusCode ?? 502
  const empty = chunks.length === 0 || status === 204 || status === 304
  return new Response(empty ? null : Buffer.concat(chunks), {
    status,
    headers: named.map(([name, value]) => [name, String(value)]),
  })
}

const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'date'])
