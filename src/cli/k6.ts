import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type ArgDef, defineCommand } from 'citty'
import { childEnvironment } from '../config.ts'
import { FLAGS, type Flag } from '../load/k6/flags.ts'
import { builtInCommand } from '../load/k6/launch.ts'
import { listenForSignals } from '../load/k6/runner/signals.ts'
import { exitCodes } from '../load/k6/runner/stop.ts'
import { CommandError } from './failure.ts'

export const k6 = defineCommand({
  meta: {
    name: 'k6',
    description: 'Run a k6 script that anybody wrote, without k6; exits as k6 does',
  },
  args: {
    action: { type: 'positional', valueHint: 'run', description: 'run', required: true },
    script: { type: 'positional', description: 'a k6 script, .js or .ts', required: true },
    ...Object.fromEntries(Object.entries(FLAGS).map(([name, flag]) => [name, argumentOf(flag)])),
  },
  run: async ({ args, rawArgs }) => {
    if (args['action'] !== 'run') throw new CommandError(`k6 ${args['action']} is not there: use \`k6 run\`.`)
    process.exitCode = await runScript(rawArgs)
  },
})

/** The first signal is passed on: the runner stops, tears down and summarizes, and so do we. At the second one it is killed, busy as it may be. */
async function runScript(args: readonly string[]): Promise<number> {
  const command = builtInCommand(args)
  const runner = spawn(command.file, command.args, { stdio: ['pipe', 'inherit', 'inherit'] })
  // A runner that dies before it has read this says why by its exit code.
  runner.stdin.on('error', () => {})
  runner.stdin.end(JSON.stringify(childEnvironment({})))
  let isAborted = false
  listenForSignals(
    (signal) => runner.kill(signal),
    () => {
      isAborted = true
      runner.kill('SIGKILL')
    },
  )
  const [exitCode] = await once(runner, 'exit')
  if (typeof exitCode === 'number') return exitCode
  return isAborted ? exitCodes.externalAbort : KILLED
}

const KILLED = 137

function argumentOf({ type, short, off, description }: Flag): ArgDef {
  const alias = short === undefined ? {} : { alias: short }
  if (type === 'string') return { type, description, ...alias }
  return off !== undefined
    ? { type, description, default: true, negativeDescription: off, ...alias }
    : { type, description, ...alias }
}
