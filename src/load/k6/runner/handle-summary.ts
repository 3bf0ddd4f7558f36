import { writeFileSync } from 'node:fs'
import process from 'node:process'
import { clearTimeout, setTimeout } from 'node:timers'
import { createInstance } from './instances.ts'
import { log } from './log.ts'
import { callExport } from './scenario-run.ts'
import { describe } from './stop.ts'
import { plainSummary, type SummaryData } from './summary.ts'
import type { Test } from './test.ts'
import { runTask, type VirtualUser } from './vu.ts'

/** The script's own summary, or ours. As in k6 its failure is logged, and changes no exit code. */
export async function handleSummary(test: Test, data: SummaryData): Promise<void> {
  try {
    const user = await createInstance(test, 0)
    if (user.exports['handleSummary'] === undefined) {
      process.stdout.write(plainSummary(data))
      return
    }
    const files = await summaryFiles(user, data)
    for (const [name, content] of Object.entries(files ?? {})) writeSummary(name, content)
  } catch (error) {
    log('error', `failed to handle the end-of-test summary: ${describe(error)}`)
  }
}

const summaryTimeoutMs = 120_000

async function summaryFiles(user: VirtualUser, data: SummaryData): Promise<object | undefined> {
  const late = new Error(`handleSummary() took longer than ${summaryTimeoutMs} ms`)
  const timer = setTimeout(
    () => user.task?.finish({ kind: 'failed', error: late, rejected: false }),
    summaryTimeoutMs,
  )
  const { outcome } = await runTask(user, () =>
    callExport(user, 'handleSummary', JSON.parse(JSON.stringify(data))),
  )
  clearTimeout(timer)
  if (outcome.kind === 'failed') throw outcome.error
  const result = outcome.kind === 'done' ? outcome.result : undefined
  if (result === undefined || result === null) return undefined
  if (typeof result !== 'object') throw new TypeError('handleSummary() must return an object of files')
  return result
}

function writeSummary(name: string, content: unknown): void {
  const bytes =
    typeof content === 'string'
      ? content
      : content instanceof ArrayBuffer
        ? new Uint8Array(content)
        : undefined
  if (bytes === undefined)
    throw new TypeError(`handleSummary() must give '${name}' as text or as an ArrayBuffer`)
  if (name === 'stdout') process.stdout.write(bytes)
  else if (name === 'stderr') process.stderr.write(bytes)
  else writeFileSync(name, bytes)
}
