import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'

/** Where Debian and its kin keep it; NGINX_PATH names another. */
const PLACES = ['/usr/sbin/nginx', '/usr/bin/nginx', '/usr/local/sbin/nginx']

const executable = process.env['NGINX_PATH'] || PLACES.find((place) => existsSync(place))

/** Why tests behind a real proxy cannot run here; false where they can. */
export const noNginx =
  executable === undefined ? 'no nginx was found: install it, or name it in NGINX_PATH' : false

export interface Proxy extends AsyncDisposable {
  readonly url: string
}

const PAGE = new URL('../../docs/operating/behind-a-proxy.md', import.meta.url)

/** nginx as the documentation configures it, before `upstream` (host:port), keeping its connections there for `keepAliveSeconds`. */
export async function startNginx(upstream: string, { keepAliveSeconds = 60 } = {}): Promise<Proxy> {
  const folder = await mkdtemp(join(tmpdir(), 'admit-once-nginx-'))
  const port = await freePort()
  const [http, server] = await documented({
    '127.0.0.1:54321': upstream,
    'keepalive_timeout 60s': `keepalive_timeout ${keepAliveSeconds}s`,
  })
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join(' ')
  await writeFile(
    join(folder, 'nginx.conf'),
    `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
events {}
http {
  access_log off; ${temporary}
  ${http}
  server { listen 127.0.0.1:${port}; ${server} }
}
`,
  )
  const child = spawn(executable ?? '', ['-p', folder, '-c', join(folder, 'nginx.conf')], { stdio: 'ignore' })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const stop = async () => {
    child.kill('SIGKILL')
    await ended
    await rm(folder, { recursive: true, force: true })
  }
  const log = () => readFile(join(folder, 'error.log'), 'utf8').catch(() => '')
  if (!(await listens(port))) {
    const said = await log()
    await stop()
    throw new Error(`nginx does not listen:\n${said}`)
  }
  return { url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: stop }
}

/** The two parts of the page's example, with each of `changes` made. */
async function documented(changes: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const [, example = ''] = /^```nginx\n(.*?)^```/ms.exec(await readFile(PAGE, 'utf8')) ?? []
  let changed = example
  for (const [was, is] of Object.entries(changes)) {
    assert.ok(changed.includes(was), `${PAGE.pathname} has no ${was}`)
    changed = changed.replace(was, is)
  }
  const parts = changed.split(/^# in (?:http|server) \{ \}$/m).slice(1)
  assert.equal(parts.length, 2)
  return parts
}

const TRIES_MAX = 200
const TRY_EVERY_MS = 25

/** Waits until somebody accepts, within a bound. */
async function listens(port: number): Promise<boolean> {
  for (let n = 0; n < TRIES_MAX; n++) {
    const accepted = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true))
      socket.once('error', () => resolve(false)).once('connect', () => socket.destroy())
    })
    if (accepted) return true
    await new Promise((resolve) => setTimeout(resolve, TRY_EVERY_MS))
  }
  return false
}
