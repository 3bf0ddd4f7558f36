import { writeFileSync } from 'node:fs'
import process from 'node:process'
import { endOfTest } from './end-of-test.ts'
import { createInstance } from './instances.ts'
import { log } from './log.ts'
import { runStage } from './stage.ts'
import { describe } from './stop.ts'
import type { SummaryData } from './summary-data.ts'
import type { Test } from './test.ts'
import type { VirtualUser } from './vu.ts'

/** The script's own summary, or ours. As in k6 its failure is logged, and changes no exit code. */
export async function handleSummary(
  test: Test,
  data: SummaryData,
  timeoutMs = summaryTimeoutMs,
): Promise<void> {
  try {
    const user = await createInstance(test, 0)
    if (user.exports['handleSummary'] === undefined) {
      process.stdout.write(endOfTest(data))
      return
    }
    const files = await summaryFiles(user, data, timeoutMs)
    for (const [name, content] of Object.entries(files ?? {})) writeSummary(name, content)
  } catch (error) {
    log('error', `failed to handle the end-of-test summary: ${describe(error)}`)
  }
}

const summaryTimeoutMs = 120_000

async function summaryFiles(
  user: VirtualUser,
  data: SummaryData,
  timeoutMs: number,
): Promise<object | undefined> {
  const late = (message: string) => new Error(message)
  const copy = JSON.parse(JSON.stringify(data))
  const outcome = await runStage(user, 'handleSummary', copy, { timeoutMs, late })
  if (outcome.kind === 'failed') throw outcome.error
  const { result } = outcome
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
        : content instanceof Uint8Array
          ? content
          : undefined
  if (bytes === undefined)
    throw new TypeError(`handleSummary() must give '${name}' as text or as an ArrayBuffer`)
  if (name === 'stdout') process.stdout.write(bytes)
  else if (name === 'stderr') process.stderr.write(bytes)
  else writeFileSync(name, bytes)
}
