import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { execPath, version as nodeVersion, platform } from 'node:process'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'

/** How to start one engine on one scenario so that it leaves its results in `folder`. */
export interface Launch {
  readonly engineVersion: string
  readonly file: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Where the results will be. */
  readonly resultFile: string
}

export interface Scenario {
  readonly script: string
  readonly env: Readonly<Record<string, string>>
  /** An empty folder for the files of the run. */
  readonly folder: string
}

/** The k6 on this machine: the one asked for, else on the PATH, else where `go install` puts it. */
export async function findK6(explicit?: string): Promise<{ path: string; version: string } | undefined> {
  const candidates =
    explicit === undefined ? [await onPath('k6'), join(homedir(), 'go', 'bin', 'k6')] : [explicit]
  for (const path of candidates) {
    const version = path === undefined ? undefined : await versionOf(path)
    if (path !== undefined && version !== undefined) return { path, version }
  }
  return undefined
}

/** Real k6 runs an entry file that re-exports the scenario and adds the results to what its handleSummary returns. */
export async function launchK6({ script, env, folder }: Scenario, k6Path?: string): Promise<Launch> {
  const k6 = await findK6(k6Path)
  if (k6 === undefined)
    throw new Error(
      `k6 was not found${k6Path === undefined ? '' : ` at ${k6Path}`}: install it or use the built-in runner`,
    )
  const resultFile = join(folder, 'result.json')
  const entry = join(folder, 'entry.js')
  await writeFile(entry, entrySource(pathToFileURL(resolve(script)).href, resultFile))
  const common = [
    'run',
    '--no-usage-report',
    '--no-color',
    '--include-system-env-vars=false',
    '--summary-trend-stats',
    trendStats,
  ]
  return {
    engineVersion: k6.version,
    file: k6.path,
    args: [...common, ...variables(env), entry],
    env: { ...hygiene, HOME: homedir() },
    resultFile,
  }
}

export async function launchBuiltIn({ script, env, folder }: Scenario): Promise<Launch> {
  const resultFile = join(folder, 'result.json')
  const common = [
    '--disable-warning=ExperimentalWarning',
    fileURLToPath(main),
    '--summary-trend-stats',
    trendStats,
  ]
  return {
    engineVersion: `Node ${nodeVersion}`,
    file: execPath,
    args: [...common, '--result', resultFile, ...variables(env), script],
    env: {},
    resultFile,
  }
}

const main = new URL('./runner/main.ts', import.meta.url)
const trendStats = 'avg,min,med,max,p(50),p(90),p(95),p(99),p(99.9),count'
const probeTimeoutMs = 10_000

/** Without it a script with an unknown import makes k6 look for a build service on the network. */
const hygiene = { K6_AUTO_EXTENSION_RESOLUTION: 'false' }

async function versionOf(path: string): Promise<string | undefined> {
  return /^k6(?:\.exe)? (v\S+)/m.exec(await output(path, ['version']))?.[1]
}

async function onPath(program: string): Promise<string | undefined> {
  const found =
    platform === 'win32' ? output('where', [program]) : output('sh', ['-c', `command -v ${program}`])
  return (await found).split(/\r?\n/)[0] || undefined
}

/** What a program prints, or nothing when it is not there. */
async function output(program: string, args: readonly string[]): Promise<string> {
  try {
    return (await promisify(execFile)(program, args, { timeout: probeTimeoutMs })).stdout
  } catch {
    return ''
  }
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
