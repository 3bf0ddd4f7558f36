import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import process from 'node:process'
import { readArguments } from './arguments.ts'
import { runTest } from './lifecycle.ts'
import { configureLog, log } from './log.ts'
import { listenForSignals } from './signals.ts'
import { describe, exitCodes, Stop, UNCAUGHT } from './stop.ts'
import { createTest } from './test.ts'
import { taskOfRejection } from './vu.ts'

/** `node main.ts [run] <script> [flags]`: runs a k6 script without k6, and exits as k6 would. */
async function main(): Promise<number> {
  const given = readArguments(process.argv.slice(2), inheritedVariables)
  configureLog(given.logFormat, given.consoleOutput)
  const test = createTest(resolve(given.script), given.env, given.printsProgress)
  const exitNow = () => process.exit(exitCodes.externalAbort)
  listenForSignals((signal) => {
    if (test.stopped !== undefined) exitNow()
    test.stop(new Stop(exitCodes.externalAbort, `test run was aborted by ${signal}`))
  }, exitNow)
  listenForRejections()
  const result = await runTest(test, given)
  if (given.result !== undefined) writeFileSync(given.result, JSON.stringify(result))
  return result.exitCode
}

/** Of who called, as JSON on stdin. */
function inheritedVariables(): Readonly<Record<string, string>> {
  return JSON.parse(readFileSync(stdin, 'utf8'))
}

const stdin = 0

/** A rejection that nobody handles ends the iteration it comes from, as in k6. */
function listenForRejections(): void {
  process.on('unhandledRejection', (error) => {
    const task = taskOfRejection()
    if (task === undefined) log('error', `${UNCAUGHT}${describe(error)}`)
    else task.finish({ kind: 'failed', error, rejected: true })
  })
}

/** Backpressure: `process.exit()` drops what the reader of a pipe has not taken yet. */
async function exit(code: number): Promise<void> {
  for (const stream of [process.stdout, process.stderr])
    await new Promise<void>((written) => stream.write('', () => written()))
  process.exit(code)
}

main().then(exit, (error: unknown) => {
  log('error', describe(error))
  return exit(error instanceof Stop ? error.exitCode : exitCodes.scriptException)
})
