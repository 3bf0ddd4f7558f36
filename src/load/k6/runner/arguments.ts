import { parseArgs } from 'node:util'
import { FLAGS } from '../flags.ts'
import { LOG_FORMATS, type LogFormat } from './log.ts'
import { invalid, unsupported } from './stop.ts'

/** What the command line asks for. */
export interface Arguments {
  readonly script: string
  readonly env: Readonly<Record<string, string>>
  /** Options over those of the script. */
  readonly overrides: Readonly<Record<string, unknown>>
  readonly jsonOutputs: readonly string[]
  readonly summaryExport: string | undefined
  /** The file that takes what the script prints. */
  readonly consoleOutput: string | undefined
  readonly logFormat: LogFormat
  readonly printsSummary: boolean
  readonly printsProgress: boolean
  /** Where the results go that `prove` reads. */
  readonly result: string | undefined
}

/** `[run] <script> [flags]`: fails with a `Stop` where k6 would refuse it. `inherited` reads the variables of the caller. */
export function readArguments(
  given: readonly string[],
  inherited: () => Readonly<Record<string, string>>,
): Arguments {
  const { values, positionals } = parse(given)
  const [script, ...rest] = positionals[0] === 'run' ? positionals.slice(1) : positionals
  if (script === undefined || rest.length > 0) throw invalid('usage: run <script> [flags]')
  const isInherited = values['env-from-stdin'] === true && values['include-system-env-vars'] !== false
  return {
    script,
    env: { ...(isInherited ? inherited() : {}), ...pairs(values.env ?? [], '--env') },
    overrides: overridesOf(values),
    jsonOutputs: (values.out ?? []).map(jsonOutput),
    summaryExport: values['summary-export'],
    consoleOutput: values['console-output'],
    logFormat: logFormat(values['log-format'] ?? 'text'),
    printsSummary: values.summary !== false,
    printsProgress: values.quiet !== true,
    result: values.result,
  }
}

function parse(given: readonly string[]) {
  const options = { ...FLAGS, result: { type: 'string' }, 'env-from-stdin': { type: 'boolean' } } as const
  try {
    return parseArgs({ args: [...given], options, allowPositionals: true, allowNegative: true })
  } catch (error) {
    throw invalid(error instanceof Error ? error.message : String(error))
  }
}

type Values = ReturnType<typeof parse>['values']

/** Execution options replace each other as a whole: `--duration` runs instead of the script's scenarios. */
function overridesOf(values: Values): Readonly<Record<string, unknown>> {
  const stages = values.stage?.flatMap((list) => list.split(',')).map(stageOf)
  const execution = {
    ...given('iterations', number(values.iterations, '--iterations')),
    ...given('duration', values.duration),
    ...given('stages', stages),
  }
  const isReplaced = Object.keys(execution).length > 0
  return {
    ...(isReplaced
      ? { scenarios: undefined, iterations: undefined, duration: undefined, stages: undefined }
      : {}),
    ...execution,
    ...given('vus', number(values.vus, '--vus')),
    ...given('tags', values.tag === undefined ? undefined : pairs(values.tag, '--tag')),
    ...given('rps', number(values.rps, '--rps')),
    ...given('batch', number(values.batch, '--batch')),
    ...given('batchPerHost', number(values['batch-per-host'], '--batch-per-host')),
    ...given('maxRedirects', number(values['max-redirects'], '--max-redirects')),
    ...given('userAgent', values['user-agent']),
    ...given('summaryTrendStats', values['summary-trend-stats']?.split(',')),
    ...given('discardResponseBodies', values['discard-response-bodies']),
    ...given('insecureSkipTLSVerify', values['insecure-skip-tls-verify']),
    ...given('noSetup', negated(values.setup)),
    ...given('noTeardown', negated(values.teardown)),
    ...given('thresholds', values.thresholds === false ? {} : undefined),
    ...given('noConnectionReuse', negated(values['connection-reuse'])),
    ...given('noVUConnectionReuse', negated(values['vu-connection-reuse'])),
  }
}

function given(name: string, value: unknown): Readonly<Record<string, unknown>> {
  return value === undefined ? {} : { [name]: value }
}

function negated(value: boolean | undefined): true | undefined {
  return value === false ? true : undefined
}

function number(text: string | undefined, flag: string): number | undefined {
  if (text === undefined) return undefined
  if (!/^\d+$/.test(text)) throw invalid(`${flag} must be a whole number, not '${text}'`)
  return Number(text)
}

function stageOf(text: string): { readonly duration: string; readonly target: number } {
  const [, duration, target] = /^([^:]+):(\d+)$/.exec(text.trim()) ?? []
  if (duration === undefined) throw invalid(`--stage must be duration:target, like 30s:10, not '${text}'`)
  return { duration, target: Number(target) }
}

function jsonOutput(output: string): string {
  const [, kind, file] = /^([^=]+)(?:=(.*))?$/.exec(output) ?? []
  if (kind !== 'json' || file?.endsWith('.gz')) throw unsupported(`--out ${output}`, 'use --out json=<file>')
  return file === undefined || file === '' ? '-' : file
}

function logFormat(name: string): LogFormat {
  if (Object.hasOwn(LOG_FORMATS, name)) return name as LogFormat
  throw unsupported(`--log-format ${name}`, `use ${Object.keys(LOG_FORMATS).join(', ')}`)
}

function pairs(given: readonly string[], flag: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    given.map((pair) => {
      const at = pair.indexOf('=')
      if (at < 1) throw invalid(`${flag} must be NAME=value, not '${pair}'`)
      return [pair.slice(0, at), pair.slice(at + 1)]
    }),
  )
}
