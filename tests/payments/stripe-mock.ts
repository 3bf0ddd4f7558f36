import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { after } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from '../support/free-port.ts'

const path = [join(homedir(), 'go/bin'), ...(process.env['PATH'] ?? '').split(delimiter)]
  .map((folder) => join(folder, 'stripe-mock'))
  .find((file) => existsSync(file))

/** Why tests that need stripe-mock are skipped; false where it is installed. */
export const noStripeMock =
  path === undefined && 'stripe-mock is not installed: go install github.com/stripe/stripe-mock@latest'

/** Stripe's own mock, which knows every parameter and keeps no state; it goes when the file is done. Gives its URL. */
export async function startStripeMock(): Promise<string> {
  const port = await freePort()
  const mock = spawn(path ?? 'stripe-mock', ['-http-port', String(port)], { stdio: 'ignore' })
  after(() => mock.kill())
  const url = `http://127.0.0.1:${port}`
  await answering(url)
  return url
}

const ANSWER_MS_MAX = 15_000

/** It says that it listens before it does. */
async function answering(url: string): Promise<void> {
  const end = performance.now() + ANSWER_MS_MAX
  while ((await fetch(url).catch(() => undefined)) === undefined) {
    if (performance.now() > end) throw new Error('stripe-mock did not answer in time')
    await delay(20)
  }
}
