import type { Call } from '../../adapter/index.ts'
import { runChild } from '../../load/child.ts'
import { placeOf, reasonOf, TargetError } from './failure.ts'
import { type CallHttp, type Cookies, openHttp } from './http.ts'
import { callMs, REQUESTS_PER_CALL, REQUESTS_PER_PAGES, type Target } from './target.ts'

/** Who calls: an own cookie jar, and which of the base URLs. */
export interface Caller {
  readonly cookies: Cookies
  readonly baseUrl: string
}

type FunctionName = 'prepare' | 'open' | 'commit' | 'truth' | 'release' | 'cancel' | 'pay' | 'cleanup'

/** What one call gave, and the status of its last answer. */
export interface Called {
  readonly value: unknown
  readonly status: number | undefined
}

/** One call of one of the adapter's functions, which ends when its time is over, when the run is stopped, or by itself. */
export async function callAdapter(
  target: Target,
  name: FunctionName,
  caller: Caller,
  input: object,
  signal: AbortSignal = target.signal,
): Promise<Called> {
  signal.throwIfAborted()
  const ms = callMs(target)
  const late = new AbortController()
  // A timer that keeps the process alive: an adapter that waits for nothing would end it without a word.
  const timer = setTimeout(() => late.abort(), ms)
  const stop = AbortSignal.any([signal, late.signal])
  const http = openHttp({
    ...caller,
    traffic: target.traffic,
    signal: stop,
    requestsMax: requestsOf(target, name),
  })
  const fn = target.adapter[name] as ((call: object) => unknown) | undefined
  if (fn === undefined) throw new TargetError('ADAPTER_INCOMPLETE', `the adapter has no \`${name}\`.`)
  const { promise: stopped, reject } = Promise.withResolvers<never>()
  const onStop = () => reject(stop.reason)
  stop.addEventListener('abort', onStop)
  try {
    const call = { ...contextOf(target, http, stop), ...input }
    const value = await Promise.race([Promise.resolve().then(() => fn.call(target.adapter, call)), stopped])
    return { value, status: http.lastStatus() }
  } catch (error) {
    signal.throwIfAborted()
    if (stop.aborted)
      throw new TargetError(
        'ADAPTER_TIMED_OUT',
        `\`${name}\` did not end within ${ms / 1000} s${lastOf(http)}. \`callSecondsMax\` gives it longer.`,
      )
    if (error instanceof TargetError) throw error
    const fault = new TargetError(
      'ADAPTER_FAILED',
      `\`${name}\` threw ${thrown(target, error)}${lastOf(http)}.`,
    )
    // What stays behind says nothing of what was sold.
    throw name === 'cleanup' ? fault : noteFault(target, name, fault)
  } finally {
    clearTimeout(timer)
    stop.removeEventListener('abort', onStop)
  }
}

/** What the system said last, or what it was asked and did not answer. */
function lastOf(http: CallHttp): string {
  const last = http.last()
  return last === undefined ? '' : `; ${last}`
}

/** What was thrown, and where. */
function thrown({ file }: Target, error: unknown): string {
  const place = placeOf(error, file)
  return `${reasonOf(error)}${place === '' ? '' : ` (${place})`}`
}

function contextOf({ env, sql }: Target, http: CallHttp, signal: AbortSignal): Call {
  return {
    http: { get: http.get, post: http.post, send: http.send },
    env,
    sql:
      sql ??
      (() =>
        Promise.reject(
          new TargetError('NO_DATABASE_URL', 'the adapter asks the database: name it with --database-url.'),
        )),
    run: (command) => runCommand(command, env, signal),
  }
}

const COMMAND_MS_MAX = 120_000

/** A shell command's output. */
export async function runCommand(command: string, env: Call['env'], signal: AbortSignal): Promise<string> {
  const set = Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
  const exit = await runChild('/bin/sh', ['-c', command], { env: set, timeoutMs: COMMAND_MS_MAX, signal })
  if (exit.exitCode === 0) return exit.stdout
  throw new TargetError('COMMAND_FAILED', `${command} ended with ${exit.exitCode}: ${reasonOf(exit.output)}`)
}

const FAULTS_MAX = 20

/** A fault of the adapter's own shows nothing of the system; a few are enough to say so. */
export function noteFault(target: Target, name: string, error: TargetError): TargetError {
  const fault = `${name}: ${error.message}`
  if (target.faults.length < FAULTS_MAX && !target.faults.includes(fault)) target.faults.push(fault)
  return error
}

function requestsOf({ adapter }: Target, name: FunctionName): number {
  const turnsPages = name === 'prepare' || name === 'truth' || name === 'cleanup'
  return turnsPages ? REQUESTS_PER_PAGES : (adapter.requestsPerCall ?? REQUESTS_PER_CALL)
}
