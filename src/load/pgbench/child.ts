import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'

export interface Ended {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

export interface ChildOptions {
  readonly path: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
  readonly onStderr: (line: string) => void
}

/** So much of a child's error output is kept, its end. */
const STDERR_MAX_CHARS = 8_000

/**
 * Runs a program to its end in a process group of its own. When `timeoutMs` have passed, when `signal` aborts
 * or when this process exits, the whole group is killed; the first two reject.
 */
export async function runChild(options: ChildOptions): Promise<Ended> {
  const { path, args, env, timeoutMs } = options
  const deadline = AbortSignal.timeout(timeoutMs)
  const stop = AbortSignal.any([deadline, ...(options.signal === undefined ? [] : [options.signal])])
  stop.throwIfAborted()
  const child = spawn(path, args, { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  const kill = () => killGroup(child)
  stop.addEventListener('abort', kill, { once: true })
  process.once('exit', kill)
  try {
    const [exitCode, stdout, stderr] = await Promise.all([
      exitCodeOf(child),
      text(child.stdout),
      tail(child.stderr, options.onStderr),
    ])
    if (deadline.aborted)
      throw new Error(`${path} did not end within ${timeoutMs} ms and was killed: ${stderr}`)
    stop.throwIfAborted()
    return { exitCode, stdout, stderr }
  } finally {
    stop.removeEventListener('abort', kill)
    process.removeListener('exit', kill)
  }
}

function exitCodeOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    // A child that a signal ended has no exit code; shells say 128.
    child.once('close', (code) => resolve(code ?? 128))
  })
}

async function tail(stream: NodeJS.ReadableStream, onLine: (line: string) => void): Promise<string> {
  let kept = ''
  for await (const line of createInterface({ input: stream })) {
    onLine(line)
    kept = `${kept}${line}\n`.slice(-STDERR_MAX_CHARS)
  }
  return kept
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL')
  } catch {
    // It has ended meanwhile.
  }
}
