import { writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { extname, join } from 'node:path'
import { execPath } from 'node:process'
import { pathToFileURL } from 'node:url'
import type { Tool } from '../find.ts'

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
}

/** Real k6 runs an entry file that re-exports the script and adds the results to what its handleSummary returns. */
export async function launchK6(k6: Tool, { script, env, folder }: LaunchOptions): Promise<Launch> {
  const resultFile = join(folder, 'result.json')
  const entry = join(folder, 'entry.js')
  await writeFile(entry, entrySource(pathToFileURL(script).href, resultFile))
  const args = ['run', '--no-usage-report', '--no-color', '--include-system-env-vars=false']
  return {
    file: k6.path,
    args: [...args, ...TREND_STATS, ...variables(env), entry],
    env: { ...HYGIENE, HOME: homedir() },
    resultFile,
  }
}

export function launchBuiltIn({ script, env, folder }: LaunchOptions): Launch {
  const resultFile = join(folder, 'result.json')
  const args = ['--disable-warning=ExperimentalWarning', MAIN, '--result', resultFile]
  return { file: execPath, args: [...args, ...TREND_STATS, ...variables(env), script], env: {}, resultFile }
}

/** As source or compiled, whichever this file is. */
const MAIN = join(import.meta.dirname, 'runner', `main${extname(import.meta.filename)}`)
const TREND_STATS = ['--summary-trend-stats', 'avg,min,med,max,p(50),p(90),p(95),p(99),p(99.9),count']

/** Without it a script with an unknown import makes k6 look for a build service on the network. */
const HYGIENE = { K6_AUTO_EXTENSION_RESOLUTION: 'false' }

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
