import { spawn } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { after } from 'node:test'
import { eventually } from '../../src/embedded/processes.ts'
import { newHome } from '../cli/support.ts'

/** The example gate as a process of its own, with the folder of `cwd`, or a new one. */
export interface GateProcess {
  readonly cwd: string
  /** All that it said so far, on either stream. */
  output(): string
  /** Shows it a code, and gives what it says about that. */
  scan(code: string): Promise<string>
  /** Types a line that is no code. */
  type(line: string): void
  /** Waits until it has said this; fails after a while. */
  said(what: RegExp, ms?: number): Promise<void>
  /** Ends its input; its last line. */
  close(): Promise<string>
  kill(): Promise<void>
}

const SAID_MS_MAX = 60_000
const VERDICT = /^[A-Z_]+(?:: |, without )/

export async function openGate(
  env: Readonly<Record<string, string>>,
  cwd: string = newHome('-gate'),
): Promise<GateProcess> {
  await mkdir(cwd, { recursive: true })
  const child = spawn(process.execPath, [new URL('../../examples/gate.ts', import.meta.url).pathname], {
    cwd,
    env,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const ended = new Promise((resolve) => child.once('close', resolve))
  after(() => child.kill('SIGKILL'))
  let output = ''
  let verdicts: string[] = []
  const waiting: ((verdict: string) => void)[] = []
  let rest = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    verdicts.push(...lines.filter((line) => VERDICT.test(line)))
    while (verdicts.length > 0 && waiting.length > 0) {
      const [first = '', ...more] = verdicts
      verdicts = more
      waiting.shift()?.(first)
    }
  })
  const said = async (what: RegExp, ms = SAID_MS_MAX) => {
    await eventually(ms, () => what.test(output) || child.exitCode !== null)
    if (!what.test(output)) throw new Error(`no ${what} from the gate (exit ${child.exitCode}): ${output}`)
  }
  const gate: GateProcess = {
    cwd,
    said,
    output: () => output,
    scan: (code) =>
      new Promise((resolve) => {
        waiting.push(resolve)
        child.stdin.write(`${code}\n`)
      }),
    type: (line) => child.stdin.write(`${line}\n`),
    close: async () => {
      child.stdin.end()
      await ended
      return output.trim().split('\n').at(-1) ?? ''
    },
    kill: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
  await said(/is open\.|has no list/)
  return gate
}
