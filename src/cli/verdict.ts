import { writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { Config } from '../config.ts'
import { compareRuns } from '../proof/comparison/compare.ts'
import { readEarlier } from '../proof/comparison/read.ts'
import { badgeSvg } from '../proof/report/badge.ts'
import { reportHtml } from '../proof/report/html.ts'
import { junitXml } from '../proof/report/junit.ts'
import { summaryLine } from '../proof/report/summary-line.ts'
import { verdictText } from '../proof/report/terminal.ts'
import { type Results, results as schema, type Verdict } from '../proof/results.ts'
import { INTERRUPTED, onInterrupt } from './interrupt.ts'

export const EXIT: Readonly<Record<Verdict, number>> = { PASS: 0, FAIL: 1, INCONCLUSIVE: 2 }

/** The run's files into its folder, the verdict onto the terminal, and the exit code. */
export async function publish(
  folder: string,
  ran: Results,
  { color, earlier }: { readonly color: boolean; readonly earlier: Results | undefined },
): Promise<void> {
  const results = earlier === undefined ? ran : { ...ran, comparison: compareRuns(earlier, ran) }
  await writeFile(join(folder, 'results.json'), `${JSON.stringify(schema.parse(results), null, 2)}\n`)
  const report = join(folder, 'report.html')
  await writeFile(report, reportHtml(results))
  await writeFile(join(folder, 'junit.xml'), junitXml(results))
  await writeFile(join(folder, 'badge.svg'), badgeSvg(results))
  const columns = process.stdout.columns ?? 80
  console.log(verdictText(results, { columns, color }))
  console.log(`report   ${relative('.', report)}`)
  console.log(summaryLine(results))
  process.exitCode = EXIT[results.verdict]
}

/** By its start and its process: no two runs of a machine have one. */
export function runIdOf(startedAt: Date): string {
  return `${startedAt.toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-')}-${process.pid}`
}

export function isColored(config: Config): boolean {
  return config.color && process.stdout.isTTY === true
}

/** The first Ctrl-C lets the run take down what it started, within a bound; the second one ends it at once. */
export function stopOnSignal(): { readonly signal: AbortSignal; dispose(): void } {
  const stop = new AbortController()
  const dispose = onInterrupt(['SIGINT', 'SIGTERM', 'SIGHUP'], () => {
    console.error('\nstopped: taking down what was started …')
    stop.abort()
    setTimeout(() => process.exit(INTERRUPTED), STOP_MS_MAX).unref()
  })
  return { signal: stop.signal, dispose }
}

const STOP_MS_MAX = 45_000

/** `--compare`: read before anything starts, so that a file that cannot be compared is told at once. */
export function earlierOf(path: string | undefined): Promise<Results> | undefined {
  return path === undefined ? undefined : readEarlier(path)
}
