import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/** Where Debian and its kin keep it; HAPROXY_PATH names another. */
const PLACES = ['/usr/sbin/haproxy', '/usr/local/sbin/haproxy', '/usr/bin/haproxy']

const executable = process.env['HAPROXY_PATH'] || PLACES.find((place) => existsSync(place))
export const haproxy = executable ?? 'haproxy'

/** Why tests behind a real HAProxy cannot run here; false where they can. */
export const noHaproxy =
  executable === undefined ? 'no haproxy was found: install it, or name it in HAPROXY_PATH' : false

const EXAMPLE = fileURLToPath(new URL('../../examples/cells/', import.meta.url))
const START_MS_MAX = 20_000
const TRY_EVERY_MS = 25

/** The example of examples/cells as it is, in a folder of its own; `names` are more lines of names.map. */
export async function startHaproxy(
  url: string,
  environment: Readonly<Record<string, string>>,
  names: () => Readonly<Record<string, string>>,
): Promise<AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), 'admit-once-haproxy-'))
  await cp(EXAMPLE, folder, { recursive: true })
  const lines = Object.entries(names()).map(([name, cell]) => `${name} ${cell}\n`)
  await writeFile(join(folder, 'names.map'), lines.join(''), { flag: 'a' })
  const child = spawn(haproxy, ['-db', '-f', 'haproxy.cfg'], { cwd: folder, env: environment })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => {
      said += text
    })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const stop = async () => {
    child.kill('SIGKILL')
    await ended
    await rm(folder, { recursive: true, force: true })
  }
  const deadline = Date.now() + START_MS_MAX
  while (!(await answers(url))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await stop()
      throw new Error(`haproxy does not answer:\n${said}`)
    }
    await delay(TRY_EVERY_MS)
  }
  return { [Symbol.asyncDispose]: stop }
}

const answers = (url: string) =>
  fetch(url, { signal: AbortSignal.timeout(1_000) }).then(
    ({ status }) => status < 500,
    () => false,
  )
