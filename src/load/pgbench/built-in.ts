import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import { inspect, parseArgs } from 'node:util'
import { Client } from 'pg'
import { type Limits, type Outcome, runClient, type ScriptClient } from './client.ts'
import { nextBits, seedRandom } from './random.ts'
import { printProgress, printReport, type Tally } from './report.ts'
import { parseScript, type Step } from './script.ts'
import { isVariableName, type Variables } from './value.ts'

/** The built-in runner as a program: the part of pgbench's command line, report and log that the proof uses. */
export const BUILT_IN_PROGRAM = import.meta.filename

interface Options {
  readonly file: string
  readonly url: string
  readonly clients: number
  readonly transactions: number | undefined
  readonly seconds: number | undefined
  readonly tries: number
  readonly seed: bigint
  readonly defines: readonly string[]
  readonly logPrefix: string | undefined
  readonly progressMs: number | undefined
}

/** Exit codes are pgbench's: 0 done, 1 could not start, 2 at least one client was ended by an error. */
async function main(args: readonly string[]): Promise<0 | 2> {
  const options = parseOptions(args)
  const steps = parseScript(readFileSync(options.file, 'utf8'), options.file)
  const clients = await connectAll(options)
  const aborted = await runAll(options, steps, clients)
  await Promise.all(clients.map(({ connection }) => connection.end()))
  if (aborted > 0) complain('Run was aborted; the above results are incomplete.')
  return aborted > 0 ? 2 : 0
}

/** Every connection is open before the first transaction begins. */
async function connectAll(options: Options): Promise<ScriptClient[]> {
  const base = seedRandom(options.seed)
  const seeds = Array.from({ length: options.clients }, () => nextBits(base))
  return Promise.all(
    seeds.map(async (seed, id) => {
      const connection = new Client({
        connectionString: options.url,
        application_name: 'pgbench',
        types: { getTypeParser: () => (text: string) => text },
      })
      // A connection that breaks is reported by the query that finds it broken.
      connection.on('error', () => {})
      await connection.connect()
      return { id, connection, variables: startVariables(options, id), random: seedRandom(seed) }
    }),
  )
}

function startVariables({ seed, defines }: Options, id: number): Variables {
  const automatic: Variables = new Map([
    ['scale', 1n],
    ['client_id', BigInt(id)],
    ['random_seed', BigInt.asIntN(64, seed)],
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
  steps: readonly Step[],
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
  const ended = await Promise.allSettled(
    clients.map((client) =>
      runClient(client, steps, limits, (outcome) => {
        count(tally, outcome)
        if (log !== undefined) writeSync(log, logLine(outcome, options.tries))
      }).catch((error: unknown) => {
        complain(`client ${client.id} aborted at ${options.file} ${text(error)}`)
        throw error
      }),
    ),
  )
  clearInterval(progress)
  if (log !== undefined) closeSync(log)
  printReport(tally, options, elapsed())
  return ended.filter(({ status }) => status === 'rejected').length
}

function count(tally: Tally, { failure, tries }: Outcome): void {
  tally[failure ?? 'transactions']++
  tally.retries += tries - 1
  if (tries > 1) tally.retried++
}

/** pgbench's log: client, transaction, microseconds or failure, script, epoch seconds, microseconds, retries. */
function logLine({ client, transaction, latencyMs, failure, tries }: Outcome, maxTries: number): string {
  const epochUs = Math.round((performance.timeOrigin + performance.now()) * 1000)
  const time = failure ?? Math.round(latencyMs * 1000)
  const retries = maxTries === 1 ? '' : ` ${tries - 1}`
  return `${client} ${transaction} ${time} 0 ${Math.floor(epochUs / 1e6)} ${epochUs % 1e6}${retries}\n`
}

function parseOptions(args: readonly string[]): Options {
  const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options: ARGUMENTS })
  const [url, ...more] = positionals
  if (values.file === undefined || url === undefined || more.length > 0) {
    throw new Error('usage: built-in.ts [pgbench options] -f FILE URL')
  }
  if (values.protocol !== 'simple') throw new Error('only the simple protocol (-M simple) is supported')
  const tries = wholeNumber('--max-tries', values['max-tries'], 0)
  const seconds = values.time === undefined ? undefined : wholeNumber('-T', values.time)
  if (seconds !== undefined && values.transactions !== undefined) throw new Error('give either -t or -T')
  if (tries === 0 && seconds === undefined) throw new Error('--max-tries=0 needs -T')
  return {
    file: values.file,
    url,
    clients: wholeNumber('-c', values.client),
    transactions: seconds === undefined ? wholeNumber('-t', values.transactions ?? '10') : undefined,
    seconds,
    tries,
    seed: parseSeed(values['random-seed']),
    defines: values.define,
    logPrefix: values.log ? values['log-prefix'] : undefined,
    progressMs: values.progress === undefined ? undefined : wholeNumber('-P', values.progress) * 1000,
  }
}

/** `-n`, `-j` and `--failures-detailed` are taken for compatibility: never a vacuum, one thread, always detailed. */
const ARGUMENTS = {
  client: { type: 'string', short: 'c', default: '1' },
  define: { type: 'string', short: 'D', multiple: true, default: [] as string[] },
  'failures-detailed': { type: 'boolean' },
  file: { type: 'string', short: 'f' },
  jobs: { type: 'string', short: 'j' },
  log: { type: 'boolean', short: 'l', default: false },
  'log-prefix': { type: 'string', default: 'pgbench_log' },
  'max-tries': { type: 'string', default: '1' },
  'no-vacuum': { type: 'boolean', short: 'n' },
  progress: { type: 'string', short: 'P' },
  protocol: { type: 'string', short: 'M', default: 'simple' },
  'random-seed': { type: 'string' },
  time: { type: 'string', short: 'T' },
  transactions: { type: 'string', short: 't' },
} as const

function wholeNumber(name: string, value: string, min = 1): number {
  const number = Number(value)
  if (/^\d+$/.test(value) && number >= min && number < 2 ** 31) return number
  throw new Error(`${name} takes a whole number, ${min} at least, not "${value}"`)
}

function parseSeed(seed: string | undefined): bigint {
  if (seed === undefined) return BigInt(Date.now())
  if (!/^\d+$/.test(seed)) throw new Error(`--random-seed takes a whole number, not "${seed}"`)
  return BigInt.asUintN(64, BigInt(seed))
}

function complain(message: string): void {
  process.stderr.write(`pgbench-built-in: error: ${message}\n`)
}

function text(error: unknown): string {
  return error instanceof Error && error.message !== '' ? error.message : inspect(error)
}

if (process.argv[1] === BUILT_IN_PROGRAM) {
  try {
    process.exitCode = await main(process.argv.slice(2))
  } catch (error) {
    complain(text(error))
    process.exit(1)
  }
}
