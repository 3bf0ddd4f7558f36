import { type ChildProcess, spawn } from 'node:child_process'
import { platform } from 'node:process'

/** How a child process ended, and the end of what it printed. */
export interface Ended {
  readonly exitCode: number
  readonly output: string
  readonly durationMs: number
}

export interface ChildOptions {
  /** The whole environment of the child: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>
  /** The child and all that it started are killed after so long. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
  /** Called with each line that the child prints. */
  readonly onLine?: (line: string) => void
}

/** Runs a program to its end. Fails when it cannot be started, takes too long, is killed, or `signal` aborts. */
export async function runChild(file: string, args: readonly string[], options: ChildOptions): Promise<Ended> {
  options.signal?.throwIfAborted()
  const startedAt = performance.now()
  const child = spawn(file, args, {
    env: options.env,
    detached: platform !== 'win32',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const tail = keepTail(child, options.onLine)
  const late = AbortSignal.timeout(options.timeoutMs)
  const stop = AbortSignal.any([late, ...(options.signal === undefined ? [] : [options.signal])])
  const kill = () => killGroup(child)
  stop.addEventListener('abort', kill)
  try {
    const exitCode = await exited(child)
    if (options.signal?.aborted === true) throw options.signal.reason
    if (late.aborted)
      throw new Error(`${file} did not end within ${options.timeoutMs} ms and was killed:\n${tail()}`)
    if (exitCode === null) throw new Error(`${file} was killed by ${child.signalCode}:\n${tail()}`)
    return { exitCode, output: tail(), durationMs: performance.now() - startedAt }
  } finally {
    stop.removeEventListener('abort', kill)
  }
}

const tailCharacters = 16_384

function exited(child: ChildProcess): Promise<number | null> {
  const { promise, resolve, reject } = Promise.withResolvers<number | null>()
  child.once('error', reject)
  child.once('close', resolve)
  return promise
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return
  try {
    process.kill(platform === 'win32' ? pid : -pid, 'SIGKILL')
  } catch {
    // It has ended already.
  }
}

function keepTail(child: ChildProcess, onLine?: (line: string) => void): () => string {
  let tail = ''
  for (const stream of [child.stdout, child.stderr]) {
    let rest = ''
    stream?.setEncoding('utf8').on('data', (text: string) => {
      tail = (tail + text).slice(-tailCharacters)
      const lines = (rest + text).split('\n')
      rest = (lines.pop() ?? '').slice(-tailCharacters)
      for (const line of lines) onLine?.(line)
    })
  }
  return () => tail
}
