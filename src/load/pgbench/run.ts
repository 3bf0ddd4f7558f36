import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import process from 'node:process'
import { runChild } from '../child.ts'
import { compileCache } from '../compile-cache.ts'
import type { Tool } from '../find.ts'
import type { TimeWindow } from '../timeline.ts'
import { type LatencyMs, readLatencies } from './latency.ts'
import { readReport, readStatements, type StatementLatency } from './report.ts'

/** What one run of a script at the database measured: the same under pgbench and under the built-in runner. */
export interface PgbenchRun {
  readonly engine: 'pgbench' | 'built-in'
  readonly engineVersion: string
  /** 0: every client finished. 2: an error other than 40001 and 40P01 ended at least one client. */
  readonly exitCode: number
  /** From start to end of the program, connecting included. */
  readonly durationMs: number
  readonly clients: number
  /** Completed ones, those that needed several tries included. */
  readonly transactions: number
  /** Transactions given up after the last try, by kind; `other` counts clients that an error ended. */
  readonly failed: { readonly serialization: number; readonly deadlock: number; readonly other: number }
  /** Transactions that needed more than one try. */
  readonly retried: number
  /** Tries beyond the first, of all transactions. */
  readonly retries: number
  /** Completed transactions a second, connecting left out. */
  readonly tps: number
  readonly latencyMs: LatencyMs
  /** In the order given. */
  readonly scripts: readonly ScriptRun[]
  /** Latencies over the run, from when the first transaction began. */
  readonly timeline: readonly TimeWindow[]
  /** The end of what the program said. */
  readonly output: string
}

/** What one of the scripts did. */
interface ScriptRun {
  readonly file: string
  readonly weight: number
  readonly latencyMs: LatencyMs
  readonly statements: readonly StatementLatency[]
}

/** A script, and how often it is chosen beside the others. */
export interface PgbenchScript {
  readonly file: string
  readonly weight: number
}

interface PgbenchProgress {
  readonly seconds: number
  readonly tps: number
  readonly failed: number
}

export interface PgbenchOptions {
  /** Each transaction is one of them, chosen by weight. */
  readonly scripts: readonly PgbenchScript[]
  /** Passed to the program without its password. Settings go into it as `?options=-c%20name%3Dvalue`. */
  readonly url: string
  readonly clients: number
  /** Of pgbench; the built-in runner has one. */
  readonly threads?: number
  /** Per client. Give either these or `seconds`. */
  readonly transactions?: number
  readonly seconds?: number
  /** Variables: `:name` in the script becomes the value, text for text. */
  readonly defines?: Readonly<Record<string, string>>
  /** Tries a transaction gets when it fails with 40001 or 40P01; 1 where left out. */
  readonly maxTries?: number
  readonly seed?: number
  readonly timeoutMs: number
  readonly signal?: AbortSignal
  /** Called about once a second. */
  readonly onProgress?: (progress: PgbenchProgress) => void
}

/**
 * Runs a pgbench script, with the built-in runner where no `pgbench` is given, in a process of its own.
 * Throws where the run cannot start (script refused, no connection), exceeds `timeoutMs` or is aborted.
 */
export async function runPgbench(pgbench: Tool | undefined, options: PgbenchOptions): Promise<PgbenchRun> {
  const engine = pgbench === undefined ? 'built-in' : 'pgbench'
  const [file, ...before] = pgbench === undefined ? [process.execPath, MAIN] : [pgbench.path]
  const { url, env } = withoutPassword(options.url)
  const logs = await mkdtemp(join(tmpdir(), 'admit-once-pgbench-'))
  const died = new Set<string>()
  try {
    const { exitCode, durationMs, output, stdout } = await runChild(
      file,
      [...before, ...argumentsOf(options), ...watching(options, logs), url],
      {
        env: { ...compileCache(), ...env },
        timeoutMs: options.timeoutMs,
        signal: options.signal,
        onLine: (line) => readLine(line, died, options.onProgress),
      },
    )
    if (exitCode !== 0 && exitCode !== 2) {
      throw new Error(`${engine} could not run ${namesOf(options)} (exit ${exitCode}): ${output}`)
    }
    const { transactions, retried, retries, tps, ...failed } = readReport(stdout)
    const { all: latencyMs, each, timeline } = await readLatencies(logs, options.scripts.length)
    const statements = readStatements(stdout)
    if (latencyMs.count !== transactions) {
      throw new Error(`${transactions} transactions reported, ${latencyMs.count} logged: ${output}`)
    }
    return {
      engine,
      engineVersion: pgbench?.version ?? BUILT_IN_VERSION,
      exitCode,
      durationMs,
      clients: options.clients,
      transactions,
      failed: { ...failed, other: died.size },
      retried,
      retries,
      tps,
      latencyMs,
      scripts: options.scripts.map((script, at) => ({
        ...script,
        latencyMs: each[at] ?? latencyMs,
        statements: statements[at] ?? [],
      })),
      timeline,
      output,
    }
  } finally {
    await rm(logs, { recursive: true, force: true })
  }
}

export const BUILT_IN_VERSION = `node ${process.versions.node}`

/** As source or compiled, whichever this file is. */
const MAIN = join(import.meta.dirname, 'runner', `main${extname(import.meta.filename)}`)

function namesOf({ scripts }: PgbenchOptions): string {
  return scripts.map(({ file }) => file).join(', ')
}

function argumentsOf(options: PgbenchOptions): string[] {
  const { scripts, clients, transactions, seconds, defines = {}, maxTries = 1, seed } = options
  if ((transactions === undefined) === (seconds === undefined)) {
    throw new Error('a pgbench run takes either transactions or seconds')
  }
  const threads = Math.min(options.threads ?? availableParallelism(), clients)
  return [
    ...['-n', '-M', 'simple', '-c', String(clients), '-j', String(threads)],
    ...(seconds === undefined ? ['-t', String(transactions)] : ['-T', String(seconds)]),
    ...[`--max-tries=${maxTries}`, '--failures-detailed', '-r'],
    ...(seed === undefined ? [] : [`--random-seed=${seed}`]),
    ...Object.entries(defines).flatMap(([name, value]) => ['-D', `${name}=${value}`]),
    ...scripts.flatMap(({ file, weight }) => ['-f', scripts.length === 1 ? file : `${file}@${weight}`]),
  ]
}

function watching({ onProgress }: PgbenchOptions, logs: string): string[] {
  return ['-l', `--log-prefix=${join(logs, 'log')}`, ...(onProgress === undefined ? [] : ['-P', '1'])]
}

/** The environment is made, not inherited: a PGOPTIONS or PGHOST of the caller's shell must not bend the proof. */
export function withoutPassword(databaseUrl: string): { url: string; env: Record<string, string> } {
  const url = new URL(databaseUrl)
  const password = url.searchParams.get('password') ?? decodeURIComponent(url.password)
  url.password = ''
  // libpq does not read + as a space.
  url.search = url.search.replace(/(?<=[?&])password=[^&]*&?/, '').replaceAll('+', '%20')
  return { url: url.href, env: { LC_ALL: 'C', ...(password === '' ? {} : { PGPASSWORD: password }) } }
}

function readLine(line: string, died: Set<string>, onProgress: PgbenchOptions['onProgress']): void {
  // Not anchored: the threads of pgbench write into each other's lines.
  for (const [, client = ''] of line.matchAll(/\bclient (\d+) (?:script \d+ )?(?:aborted|command)/g))
    died.add(client)
  const [, seconds, tps, failed] = /^progress: ([\d.]+) s, ([\d.]+) tps, .*?(\d+) failed/.exec(line) ?? []
  if (seconds !== undefined) {
    onProgress?.({ seconds: Number(seconds), tps: Number(tps), failed: Number(failed) })
  }
}
