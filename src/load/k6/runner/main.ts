import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { runTest } from './lifecycle.ts'
import { log } from './log.ts'
import { describe, exitCodes, invalid, Stop } from './stop.ts'
import { createTest, type Test } from './test.ts'
import { taskOfRejection } from './vu.ts'

/** `node main.ts <script> [--env NAME=value …]`: runs a k6 script without k6, and exits as k6 would. */
async function main(): Promise<number> {
  const { values, positionals } = readArguments()
  const test = createTest(resolve(positionals[0] ?? ''), environment(values.env ?? []))
  listenForSignals(test)
  listenForRejections()
  const result = await runTest(test, values['summary-trend-stats']?.split(','))
  if (values.result !== undefined) writeFileSync(values.result, JSON.stringify(result))
  return result.exitCode
}

function readArguments() {
  const options = {
    env: { type: 'string', short: 'e', multiple: true },
    'summary-trend-stats': { type: 'string' },
    result: { type: 'string' },
  } as const
  const parsed = parseArgs({ options, allowPositionals: true })
  if (parsed.positionals.length === 1) return parsed
  throw invalid('usage: main.ts <script> [--env NAME=value …] [--summary-trend-stats a,b] [--result file]')
}

/** The script sees what `--env` gives it, as under `k6 run --include-system-env-vars=false`. */
function environment(given: readonly string[]): Readonly<Record<string, string>> {
  const pairs = given.map((pair) => {
    const at = pair.indexOf('=')
    if (at < 1) throw invalid(`--env must be NAME=value, not '${pair}'`)
    return [pair.slice(0, at), pair.slice(at + 1)]
  })
  return Object.fromEntries(pairs)
}

/** The first signal stops the test and still tears down and summarizes; the second one does not wait. */
function listenForSignals(test: Test): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (test.stopped !== undefined) process.exit(exitCodes.externalAbort)
      test.stop(new Stop(exitCodes.externalAbort, `test run was aborted by ${signal}`))
    })
  }
}

/** A rejection that nobody handles ends the iteration it comes from, as in k6. */
function listenForRejections(): void {
  process.on('unhandledRejection', (error) => {
    const task = taskOfRejection()
    if (task === undefined) log('error', `Uncaught (in promise) ${describe(error)}`)
    else task.finish({ kind: 'failed', error, rejected: true })
  })
}

main().then(
  (exitCode) => process.exit(exitCode),
  (error: unknown) => {
    log('error', describe(error))
    process.exit(error instanceof Stop ? error.exitCode : exitCodes.scriptException)
  },
)
