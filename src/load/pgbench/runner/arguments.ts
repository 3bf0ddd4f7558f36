import { parseArgs } from 'node:util'

/** What the command line asks for. */
export interface Options {
  readonly scripts: readonly WeightedFile[]
  readonly url: string
  readonly clients: number
  readonly transactions: number | undefined
  readonly seconds: number | undefined
  readonly tries: number
  readonly seed: number
  readonly defines: readonly string[]
  readonly logPrefix: string | undefined
  readonly progressMs: number | undefined
  /** The mean time of each statement in the report. */
  readonly perStatement: boolean
}

/** A script, and how often it is chosen beside the others; 0 is never. */
export interface WeightedFile {
  readonly file: string
  readonly weight: number
}

/** pgbench's command line, as far as it is used here; any other flag is refused by name. */
export function parseOptions(args: readonly string[]): Options {
  const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options: ARGUMENTS })
  const [url, ...more] = positionals
  if (values.file.length === 0 || url === undefined || more.length > 0) {
    throw new Error('usage: main.ts [pgbench options] -f FILE URL')
  }
  if (values.protocol !== 'simple') throw new Error('only the simple protocol (-M simple) is supported')
  const tries = wholeNumber('--max-tries', values['max-tries'], 0)
  const seconds = values.time === undefined ? undefined : wholeNumber('-T', values.time)
  if (seconds !== undefined && values.transactions !== undefined) throw new Error('give either -t or -T')
  if (tries === 0 && seconds === undefined) throw new Error('--max-tries=0 needs -T')
  return {
    scripts: weightedFiles(values.file),
    url,
    clients: wholeNumber('-c', values.client),
    transactions: seconds === undefined ? wholeNumber('-t', values.transactions ?? '10') : undefined,
    seconds,
    tries,
    seed: wholeNumber('--random-seed', values['random-seed'] ?? String(Date.now() % 2 ** 31), 0),
    defines: values.define,
    logPrefix: values.log ? values['log-prefix'] : undefined,
    perStatement: values['report-per-command'],
    progressMs: values.progress === undefined ? undefined : wholeNumber('-P', values.progress) * 1000,
  }
}

/** `-n`, `-j` and `--failures-detailed` are taken for compatibility: never a vacuum, one thread, always detailed. */
const ARGUMENTS = {
  client: { type: 'string', short: 'c', default: '1' },
  define: { type: 'string', short: 'D', multiple: true, default: [] as string[] },
  'failures-detailed': { type: 'boolean' },
  file: { type: 'string', short: 'f', multiple: true, default: [] as string[] },
  jobs: { type: 'string', short: 'j' },
  log: { type: 'boolean', short: 'l', default: false },
  'log-prefix': { type: 'string', default: 'pgbench_log' },
  'max-tries': { type: 'string', default: '1' },
  'no-vacuum': { type: 'boolean', short: 'n' },
  progress: { type: 'string', short: 'P' },
  protocol: { type: 'string', short: 'M', default: 'simple' },
  'random-seed': { type: 'string' },
  'report-per-command': { type: 'boolean', short: 'r', default: false },
  time: { type: 'string', short: 'T' },
  transactions: { type: 'string', short: 't' },
} as const

function weightedFiles(values: readonly string[]): readonly WeightedFile[] {
  const scripts = values.map((value) => {
    const [, file = value, weight] = /^(.*)@([^/@]*)$/.exec(value) ?? []
    return { file, weight: weight === undefined ? 1 : wholeNumber(`the weight of ${file}`, weight, 0) }
  })
  if (scripts.every(({ weight }) => weight === 0)) throw new Error('the total weight of scripts is zero')
  return scripts
}

function wholeNumber(name: string, value: string, min = 1): number {
  const number = Number(value)
  if (/^\d+$/.test(value) && number >= min && number < 2 ** 31) return number
  throw new Error(`${name} takes a whole number, ${min} at least, not "${value}"`)
}
