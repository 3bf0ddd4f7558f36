import { spawn } from 'node:child_process'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { childEnvironment } from '../config.ts'
import type { MortalServer } from '../proof/faults/world.ts'
import { CommandError } from './failure.ts'

const START_MS_MAX = 60_000
const STOP_MS_MAX = 30_000

/** An empty variable is one that is not set. */
const NO_PROVIDER = { STRIPE_SECRET_KEY: '', STRIPE_WEBHOOK_SECRET: '', STRIPE_API_URL: '', STRIPE_LIVE: '' }

/**
 * `admit-once start` as a process of its own on a free port, as a user would start it, with `environment` over ours: only that
 * may name a provider, ours is not passed on. Its clock is right but for `clockShiftMs`. It goes when this process goes.
 */
export async function serveFrom(
  databaseUrl: string,
  jwtSecret: string,
  environment: Readonly<Record<string, string>> = {},
  clockShiftMs = 0,
): Promise<MortalServer & { readonly pid: number | undefined }> {
  const args = [fileURLToPath(beside('main')), 'start', '--port', '0', '--no-demo']
  const clock = clockShiftMs === 0 ? [] : ['--import', `${beside('shifted-clock').href}?ms=${clockShiftMs}`]
  const child = spawn(process.execPath, [...clock, ...args], {
    env: childEnvironment({
      DATABASE_URL: databaseUrl,
      JWT_SECRET: jwtSecret,
      ...NO_PROVIDER,
      ...environment,
    }),
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // Ctrl-C belongs to the one who started the run; the server is told by us.
    detached: true,
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      output = `${output}${chunk}`.slice(-4000)
    })
  }
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const url = await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new CommandError(`the server did not start within ${START_MS_MAX / 1000} s:\n${output}`))
    }, START_MS_MAX)
    child.once('message', (message) => {
      clearTimeout(timer)
      resolve((message as { url: string }).url)
    })
    child.once('exit', (code) => {
      clearTimeout(timer)
      reject(new CommandError(`the server ended with ${code} before it was ready:\n${output}`))
    })
  })
  const stop = async () => {
    const kill = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX)
    child.kill('SIGTERM')
    await exited
    clearTimeout(kill)
  }
  const kill = async () => {
    child.kill('SIGKILL')
    await exited
  }
  return { url, pid: child.pid, stop, kill }
}

/** A module of this folder, as it is here: TypeScript, or what was made of it. */
function beside(name: string): URL {
  return new URL(`./${name}${extname(import.meta.url)}`, import.meta.url)
}
