import { writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { extname, join } from 'node:path'
import { execPath } from 'node:process'
import { pathToFileURL } from 'node:url'
import { compileCache } from '../compile-cache.ts'
import type { Tool } from '../find.ts'
import { JSPI_FLAGS } from './runner/guest/jspi.ts'

/** How to start an engine on a script so that it leaves its results in a file. */
export interface Launch {
  readonly file: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly resultFile: string
}

export interface LaunchOptions {
  /** An absolute path. */
  readonly script: string
  readonly env: Readonly<Record<string, string>>
  /** An empty folder for the files of the run. */
  readonly folder: string
  readonly consoleFile?: string | undefined
}

/** Real k6 runs an entry file that re-exports the script and adds the results to what its handleSummary returns. */
export async function launchK6(
  k6: Tool,
  { script, env, folder, consoleFile }: LaunchOptions,
): Promise<Launch> {
  const resultFile = join(folder, 'result.json')
  const entry = join(folder, 'entry.js')
  await writeFile(entry, entrySource(pathToFileURL(script).href, resultFile))
  const args = ['run', '--no-usage-report', '--no-color', '--include-system-env-vars=false']
  return {
    file: k6.path,
    args: [...args, ...TREND_STATS, ...printsTo(consoleFile), ...variables(env), entry],
    env: { ...HYGIENE, HOME: homedir() },
    resultFile,
  }
}

export function launchBuiltIn({ script, env, folder, consoleFile }: LaunchOptions): Launch {
  const resultFile = join(folder, 'result.json')
  const args = [...NODE_FLAGS, MAIN, '--result', resultFile, ...TREND_STATS, ...printsTo(consoleFile)]
  return { file: execPath, args: [...args, ...variables(env), script], env: compileCache(), resultFile }
}

/** Without its check of async hooks, Node outlives that the watchdog terminates a callback. */
const NODE_FLAGS: readonly string[] = [
  ...['--disable-warning=ExperimentalWarning', '--no-force-async-hooks-checks'],
  ...JSPI_FLAGS,
]

/** The built-in runner as a program: `args` are those of `k6 run`, and with stdin it is given its caller's variables as JSON. */
export function builtInCommand(args: readonly string[]): {
  readonly file: string
  readonly args: readonly string[]
} {
  return { file: execPath, args: [...NODE_FLAGS, MAIN, '--env-from-stdin', ...args] }
}

/** As source or compiled, whichever this file is. */
const MAIN = join(import.meta.dirname, 'runner', `main${extname(import.meta.filename)}`)
const TREND_STATS = ['--summary-trend-stats', 'avg,min,med,max,p(50),p(90),p(95),p(99),p(99.9),count']

/** Without it a script with an unknown import makes k6 look for a build service on the network. */
const HYGIENE = { K6_AUTO_EXTENSION_RESOLUTION: 'false' }

function printsTo(consoleFile: string | undefined): readonly string[] {
  return consoleFile === undefined ? [] : ['--console-output', consoleFile, '--log-format', 'raw']
}

function variables(env: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`])
}

function entrySource(scriptUrl: string, resultFile: string): string {
  const script = JSON.stringify(scriptUrl)
  return `import * as scenario from ${script};
export * from ${script};
export default scenario.default;
export async function handleSummary(data) {
  const files = { [${JSON.stringify(resultFile)}]: JSON.stringify({ data }) };
  try {
    return { ...(scenario.handleSummary ? await scenario.handleSummary(data) : {}), ...files };
  } catch (error) {
    console.error('handleSummary failed: ' + error);
    return files;
  }
}
`
}
