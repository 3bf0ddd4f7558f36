import { type ChildProcess, spawn } from 'node:child_process'
import { platform } from 'node:process'

/** How a child process ended. Of what it printed the end is kept. */
export interface ChildExit {
  readonly exitCode: number
  readonly stdout: string
  /** Both streams, line by line as they came. */
  readonly output: string
  readonly durationMs: number
}

export interface ChildOptions {
  /** The whole environment of the child: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
  /** Called with each line that the child prints. */
  readonly onLine?: (line: string) => void
}

/**
 * Process group: the child runs in one of its own, and all of it is killed after `timeoutMs`, when `signal` aborts, and when
 * this process exits. Fails then, and when the child cannot be started or is killed by somebody else.
 */
export async function runChild(
  file: string,
  args: readonly string[],
  options: ChildOptions,
): Promise<ChildExit> {
  options.signal?.throwIfAborted()
  const startedAt = performance.now()
  const child = spawn(file, args, {
    env: options.env,
    detached: platform !== 'win32',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const tails = keepTails(child, options.onLine)
  const late = AbortSignal.timeout(options.timeoutMs)
  const stop = AbortSignal.any([late, ...(options.signal === undefined ? [] : [options.signal])])
  const kill = () => killGroup(child)
  stop.addEventListener('abort', kill)
  process.once('exit', kill)
  try {
    const exitCode = await exited(child)
    options.signal?.throwIfAborted()
    if (late.aborted)
      throw new Error(`${file} did not end within ${options.timeoutMs} ms and was killed:\n${tails.output}`)
    if (exitCode === null) throw new Error(`${file} was killed by ${child.signalCode}:\n${tails.output}`)
    return { exitCode, ...tails, durationMs: performance.now() - startedAt }
  } finally {
    stop.removeEventListener('abort', kill)
    process.removeListener('exit', kill)
  }
}

const TAIL_CHARS = 16_384

/** Whole lines only: chunks of two pipes, put one behind the other, would cut into each other's lines. */
function keepTails(child: ChildProcess, onLine?: (line: string) => void) {
  const tails = { stdout: '', output: '' }
  for (const stream of [child.stdout, child.stderr]) {
    const keep = (line: string) => {
      tails.output = tailOf(`${tails.output}${line}\n`)
      if (stream === child.stdout) tails.stdout = tailOf(`${tails.stdout}${line}\n`)
      onLine?.(line)
    }
    let rest = ''
    stream?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = tailOf(lines.pop() ?? '')
      for (const line of lines) keep(line)
    })
    stream?.on('end', () => rest !== '' && keep(rest))
  }
  return tails
}

function tailOf(text: string): string {
  return text.slice(-TAIL_CHARS)
}

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
