import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import { inspect } from 'node:util'
import { randomFrom } from '../../../core/random.ts'
import { connect } from '../../../db/connection.ts'
import { printProgress, printReport, type ReportedScript, type Tally } from '../report.ts'
import { type Options, parseOptions, type WeightedFile } from './arguments.ts'
import { type Limits, type Outcome, runClient, type Script, type ScriptClient, SEEDS } from './client.ts'
import { parseScript } from './script.ts'
import { openTimes } from './statement-times.ts'
import { isVariableName, type Variables } from './variables.ts'

/** pgbench's script language, report and log, as far as they are used here. Exit codes are pgbench's: 0 done, 1 could not start, 2 an error ended a client. */
async function main(args: readonly string[]): Promise<0 | 2> {
  const options = parseOptions(args)
  const scripts = options.scripts.map(readScript)
  const clients = await connectAll(options)
  const aborted = await runAll(options, scripts, clients)
  await Promise.all(clients.map(({ connection }) => connection.end()))
  if (aborted > 0) complain('Run was aborted; the above results are incomplete.')
  return aborted > 0 ? 2 : 0
}

function readScript({ file, weight }: WeightedFile): Script {
  const steps = parseScript(readFileSync(file, 'utf8'), file)
  return { weight, steps, times: openTimes(steps) }
}

/** Barrier: every connection is open before the first transaction begins. */
async function connectAll(options: Options): Promise<ScriptClient[]> {
  const base = randomFrom(options.seed)
  const clients = Array.from({ length: options.clients }, () => randomFrom(base.below(SEEDS)))
  return Promise.all(
    clients.map(async (seeds, id) => {
      const connection = await connect(options.url, {
        application_name: 'pgbench',
        types: { getTypeParser: () => (text: string) => text },
        connectionTimeoutMillis: 0,
      }).catch((error: unknown) => {
        // PostgreSQL's own words, as pgbench has them.
        throw error instanceof Error && error.cause instanceof Error ? error.cause : error
      })
      return { id, connection, seeds, variables: startVariables(options, id) }
    }),
  )
}

function startVariables({ seed, defines }: Options, id: number): Variables {
  const automatic: Variables = new Map([
    ['scale', 1],
    ['client_id', id],
    ['random_seed', seed],
  ])
  for (const define of defines) {
    const [, name = '', value = ''] = /^([^=]*)=(.+)$/s.exec(define) ?? []
    if (!isVariableName(name)) throw new Error(`invalid variable definition: "${define}"`)
    automatic.set(name, value)
  }
  return automatic
}

/** The number of clients that an error ended. */
async function runAll(
  options: Options,
  scripts: readonly Script[],
  clients: readonly ScriptClient[],
): Promise<number> {
  const tally: Tally = { transactions: 0, serialization: 0, deadlock: 0, retried: 0, retries: 0 }
  const log =
    options.logPrefix === undefined ? undefined : openSync(`${options.logPrefix}.${process.pid}`, 'w')
  const startedMs = performance.now()
  const limits: Limits = {
    transactions: options.transactions ?? Number.POSITIVE_INFINITY,
    endsAtMs: startedMs + (options.seconds ?? Number.POSITIVE_INFINITY) * 1000,
    tries: options.tries === 0 ? Number.POSITIVE_INFINITY : options.tries,
  }
  const elapsed = () => performance.now() - startedMs
  const progress =
    options.progressMs && setInterval(() => printProgress(tally, elapsed()), options.progressMs).unref()
  const results = await Promise.allSettled(
    clients.map((client) =>
      runClient(client, scripts, limits, (outcome) => {
        count(tally, outcome)
        if (log !== undefined) writeSync(log, logLine(outcome, options.tries))
      }).catch((error: unknown) => {
        complain(`client ${client.id} aborted at ${text(error)}`)
        throw error
      }),
    ),
  )
  clearInterval(progress)
  if (log !== undefined) closeSync(log)
  printReport(tally, { ...options, scripts: reportable(options, scripts) }, elapsed())
  return results.filter(({ status }) => status === 'rejected').length
}

/** The scripts as the report names them. */
function reportable({ scripts }: Options, run: readonly Script[]): readonly ReportedScript[] {
  return scripts.map(({ file, weight }, at) => ({
    file,
    weight,
    statements: [...(run[at]?.times ?? [])].map(([{ text }, time]) => ({
      ...{ text, failures: time.failures, retries: time.retries },
      avgMs: time.count === 0 ? 0 : time.sumMs / time.count,
    })),
  }))
}

function count(tally: Tally, { failure, tries }: Outcome): void {
  tally[failure ?? 'transactions']++
  tally.retries += tries - 1
  if (tries > 1) tally.retried++
}

/** pgbench's log: client, transaction, microseconds or failure, script, epoch seconds, microseconds, retries. */
function logLine(
  { client, transaction, latencyMs, failure, tries, script }: Outcome,
  maxTries: number,
): string {
  const epochUs = Math.round((performance.timeOrigin + performance.now()) * 1000)
  const time = failure ?? Math.round(latencyMs * 1000)
  const retries = maxTries === 1 ? '' : ` ${tries - 1}`
  return `${client} ${transaction} ${time} ${script} ${Math.floor(epochUs / 1e6)} ${epochUs % 1e6}${retries}\n`
}

function complain(message: string): void {
  process.stderr.write(`pgbench-built-in: error: ${message}\n`)
}

function text(error: unknown): string {
  return error instanceof Error && error.message !== '' ? error.message : inspect(error)
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  complain(text(error))
  process.exit(1)
}
