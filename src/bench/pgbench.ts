import { writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { runChild } from '../load/child.ts'
import { readReport } from '../load/pgbench/report.ts'
import { withoutPassword } from '../load/pgbench/run.ts'
import { BenchError, type Contestant, type Missing, type WindowOrder, type World } from './question.ts'

export interface PgbenchScript {
  readonly name: string
  readonly label: string
  readonly clients: number
  readonly sql: string
  /** Successes of one transaction. */
  readonly each?: number
  /** Where what fails with 40001 is tried again until the window ends. */
  readonly retries?: boolean
  readonly defines?: (window: WindowOrder) => Readonly<Record<string, string>>
  readonly prepare?: (window: WindowOrder) => Promise<void>
}

/**
 * A script under pgbench, prepared, without logs: what a log line costs is a fifth of the fastest one. Every transaction that it
 * counts was committed: those that the end of the window finds begun are finished.
 */
export async function pgbenchContestant(
  world: Pick<World, 'pgbench' | 'folder'>,
  url: string,
  { name, label, clients, sql, each = 1, retries = false, defines, prepare }: PgbenchScript,
): Promise<Contestant> {
  const file = join(world.folder, `${name}.sql`)
  await writeFile(file, `${sql}\n`)
  const { url: address, env } = withoutPassword(url)
  const threads = Math.min(availableParallelism(), clients)
  const flags = `-n -M prepared -P 1 -c ${clients} -j ${threads}${retries ? ' --max-tries=0' : ''}`.split(' ')
  const run = async (window: WindowOrder) => {
    const seconds = window.seconds + WARM_UP_SECONDS
    const variables = Object.entries(defines?.(window) ?? {}).flatMap(([key, value]) => [
      '-D',
      `${key}=${value}`,
    ])
    const { exitCode, stdout, output } = await runChild(
      world.pgbench?.path ?? 'pgbench',
      [...flags, '-T', String(seconds), ...variables, '-f', file, address],
      { env, timeoutMs: seconds * 1000 + END_MS_MAX, signal: window.signal },
    )
    if (exitCode !== 0) {
      throw new BenchError('LOAD_FAILED', `pgbench ended with ${exitCode} in ${label}:\n${output}`)
    }
    const { transactions, tps } = readReport(stdout)
    const perSecond = (rateAfterWarmUp(output) ?? tps) * each
    return { answered: transactions * each, inTime: perSecond * window.seconds, seconds: window.seconds }
  }
  return { name, label, run, ...(prepare === undefined ? {} : { prepare }) }
}

/** Transactions a second by what pgbench said second by second, once its sessions were warm; undefined where it said nothing. */
export function rateAfterWarmUp(output: string): number | undefined {
  const said = [...output.matchAll(/^progress: ([\d.]+) s, ([\d.]+) tps/gm)]
  const warm = said.filter(([, seconds]) => Number(seconds) > WARM_UP_SECONDS + HALF_A_SECOND)
  if (warm.length === 0) return undefined
  return warm.reduce((sum, [, , tps]) => sum + Number(tps), 0) / warm.length
}

const HALF_A_SECOND = 0.5

/** Before the window: pgbench's clock runs while it connects, and what a new session runs for the first time it must compile. */
export const WARM_UP_SECONDS = 2

/** How long pgbench may take to connect and to end, beside its window. */
const END_MS_MAX = 60_000

/** What has no part where there is no pgbench. */
export function withoutPgbench(contestants: readonly { readonly label: string }[]): Missing {
  const why =
    'no pgbench of version 15 or newer was found. It comes with PostgreSQL: on Debian and Ubuntu `apt install postgresql-contrib`, with Homebrew `brew install postgresql`. Or name it: --pgbench PATH.'
  return { contestants: contestants.map(({ label }) => label), why }
}
