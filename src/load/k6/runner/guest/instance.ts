import { Buffer } from 'node:buffer'
import { existsSync } from 'node:fs'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { scriptSource } from '../script-source.ts'
import { describe, exitCodes, Stop, unsupported } from '../stop.ts'
import type { Test } from '../test.ts'
import { begin, createVirtualUser, runTask, type VirtualUser } from '../vu.ts'
import { type Answer, createEngine, type Engine, guestError, libraryFolder } from './engine.ts'
import { operationsOf } from './operations.ts'
import type { Operations } from './question.ts'

/** Makes a virtual user whose script runs in an engine of its own, where calls block. Fails with a `Stop` when its top level throws. */
export async function createGuest(test: Test, userId: number): Promise<VirtualUser> {
  const user = createVirtualUser(test, userId)
  user.isGuest = true
  const guest = createState(user)
  let refused: unknown
  guest.engine = await createEngine({
    answer: (operation, argumentsJson, bytes) => answer(guest, operation, argumentsJson, bytes),
    resolveModule: (specifier, importer) => noting(() => resolveModule(specifier, importer)),
    moduleSource: (name) => noting(() => scriptSource(name)),
    shouldInterrupt: () => guest.isUnwinding || performance.now() > user.mustEndAtMs,
  })
  try {
    const { outcome } = await runTask(user, () => evaluate(guest, test.script))
    if (outcome.kind === 'failed') throw outcome.error
    if (outcome.kind === 'done') (outcome.result as () => void)()
    user.initializing = false
    return user
  } catch (error) {
    const cause = refused ?? test.stopped ?? missingExport(error) ?? error
    if (cause instanceof Stop) throw cause
    throw new Stop(exitCodes.scriptException, describe(cause), { cause })
  }

  function noting<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      refused ??= error
      throw error
    }
  }
}

/** Init context: its timers, and answers that it waits for, are heard once its first turn is over. */
async function evaluate(guest: Guest, script: string): Promise<() => void> {
  const { engine } = guest
  if (engine === undefined) throw new Error('a guest without an engine cannot be evaluated')
  guest.isRunning = true
  const assertEnded = await engine.evaluate(join(libraryFolder, `entry${extension}`), entrySource(script))
  guest.isRunning = false
  await run(guest)
  return assertEnded
}

/** A name that a module of k6 has, and ours lacks. */
function missingExport(error: unknown): Stop | undefined {
  const text = error instanceof Error ? error.message : ''
  const [, name, file = ''] = /Could not find export '(.+)' in module '(.+)'/.exec(text) ?? []
  if (name === undefined || !file.startsWith(libraryFolder)) return undefined
  const library = basename(file, extension)
  const module = Object.keys(modules).find((key) => modules[key] === library) ?? library
  return unsupported(`'${name}' of ${module}`, 'leave it out')
}

interface Guest {
  readonly user: VirtualUser
  engine: Engine | undefined
  readonly events: object[]
  /** Bytes of answers that the guest has not taken yet. */
  readonly outgoing: Uint8Array[]
  /** What operations keep for one call. */
  readonly forgets: (() => void)[]
  operations: Operations
  isRunning: boolean
  /** The call is over: whatever it still does throws, until its stack is empty. */
  isUnwinding: boolean
  unblock: () => void
  settleCall: { resolve(value: unknown): void; reject(error: unknown): void } | undefined
}

/** As source or compiled, whichever this file is. */
const extension = extname(import.meta.filename)

const modules: Readonly<Record<string, string>> = {
  k6: 'k6',
  'k6/http': 'http',
  'k6/metrics': 'metrics',
  'k6/data': 'data',
  'k6/execution': 'execution',
  'k6/crypto': 'crypto',
  'k6/encoding': 'encoding',
  'k6/html': 'html',
  'k6/websockets': 'websockets',
  'k6/ws': 'ws',
}
/** Libraries that scripts import from the network, which nobody fetches: what most of them use is here. */
const libraries: readonly (readonly [address: RegExp, name: string])[] = [
  [/^https:\/\/jslib\.k6\.io\/k6-utils\/[\d.]+\/index\.js$/, 'jslib-utils'],
  [/^https:\/\/jslib\.k6\.io\/k6-summary\/[\d.]+\/index\.js$/, 'jslib-summary'],
]
/** Functions of a script whose result somebody reads. */
const keptResults: readonly string[] = ['setup', 'handleSummary']

function createState(user: VirtualUser): Guest {
  const guest: Guest = {
    user,
    engine: undefined,
    events: [],
    outgoing: [],
    forgets: [],
    operations: {},
    isRunning: false,
    isUnwinding: false,
    unblock: () => undefined,
    settleCall: undefined,
  }
  const push = (event: object) => {
    guest.events.push(event)
    void run(guest)
  }
  const whenOver = (forget: () => void) => void guest.forgets.push(forget)
  guest.operations = { ...operationsOf(user, { push, whenOver }), ...callOperations(guest) }
  return guest
}

/** How the guest's library takes part in calls: see `library/start.ts`. */
function callOperations(guest: Guest): Operations {
  const { user } = guest
  return {
    exports(functions: readonly string[], options: unknown) {
      const callable = functions.map((name) => [
        name,
        (argument: unknown) => callGuest(guest, name, argument),
      ])
      user.exports = { ...Object.fromEntries(callable), ...(options === undefined ? {} : { options }) }
    },
    event: () => guest.events.shift(),
    returned: (value: unknown) => guest.settleCall?.resolve(value),
    threw(thrown: unknown, isRejection: boolean) {
      const error = guestError(thrown)
      user.task?.finish({ kind: 'failed', error, rejected: isRejection })
    },
  }
}

function callGuest(guest: Guest, name: string, argument: unknown): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  const { user, events } = guest
  forget(guest)
  begin(user, (end) => {
    guest.settleCall = {
      resolve: (value) => end(() => resolve(value)),
      reject: (error) => end(() => reject(error)),
    }
    const { iteration = null, env } = user
    events.push({ kind: 'call', name, argument, iteration, env, isKept: keptResults.includes(name) })
    void run(guest)
    return () => unwind(guest)
  })
  return promise
}

/** One event after the other: a guest that is blocked must not be entered. */
async function run(guest: Guest): Promise<void> {
  if (guest.isRunning) return
  guest.isRunning = true
  while (guest.events.length > 0) {
    try {
      const error = await guest.engine?.call('step')
      if (error !== undefined && !guest.isUnwinding)
        guest.user.task?.finish({ kind: 'failed', error, rejected: true })
    } catch (error) {
      const isLate = performance.now() > guest.user.mustEndAtMs
      const failure = { kind: 'failed', error, rejected: false } as const
      if (!guest.isUnwinding) guest.user.task?.finish(isLate ? { kind: 'interrupted' } : failure)
    }
    guest.isUnwinding = false
  }
  guest.isRunning = false
}

/** What is left of a call that is over: nobody waits for it any more. */
function forget(guest: Guest): void {
  guest.events.length = 0
  guest.outgoing.length = 0
  for (const drop of guest.forgets) drop()
}

/** Ends what the guest does, also where it is blocked, and keeps the state of its modules for the next call. */
function unwind(guest: Guest): void {
  forget(guest)
  if (!guest.isRunning) return
  guest.isUnwinding = true
  guest.unblock()
}

function answer(
  guest: Guest,
  operation: string,
  argumentsJson: string,
  bytes: readonly Uint8Array[],
): Answer | Promise<Answer> {
  if (operation === 'take') return guest.outgoing.shift()
  if (guest.isUnwinding) return over
  try {
    const work = guest.operations[operation]
    if (work === undefined) throw new Error(`there is no operation '${operation}'`)
    const values = argumentsJson === '' ? [] : JSON.parse(argumentsJson)
    const result = work(...((bytes.length === 0 ? values : withBytes(values, bytes)) as never[]))
    return result instanceof Promise ? block(guest, result) : encoded(guest, result)
  } catch (error) {
    return failed(error)
  }
}

const over = JSON.stringify({ error: { name: 'Interrupted', message: 'the call is over' } })

function block(guest: Guest, promise: Promise<unknown>): Promise<Answer> {
  return new Promise((resolve) => {
    guest.unblock = () => resolve(over)
    promise.then(
      (value) => resolve(guest.isUnwinding ? over : encoded(guest, value)),
      (error) => resolve(failed(error)),
    )
  })
}

function encoded(guest: Guest, value: unknown): Answer {
  if (value === undefined) return undefined
  if (!hasBytes(value)) return `{"value":${JSON.stringify(value)}}`
  const text = JSON.stringify(value, (_key, part: unknown) =>
    part instanceof ArrayBuffer ? { $bytes: guest.outgoing.push(new Uint8Array(part)) } : part,
  )
  return `{"value":${text},"bytes":true}`
}

/** Where an answer may have bytes: in a response, or in an event with one, or with a message. */
const carriers = ['body', 'value', 'fields', 'data']

function hasBytes(value: unknown): boolean {
  if (value instanceof ArrayBuffer) return true
  if (Array.isArray(value)) return value.some(hasBytes)
  if (typeof value !== 'object' || value === null) return false
  return carriers.some((name) => hasBytes(Reflect.get(value, name)))
}

function failed(error: unknown): Answer {
  const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) }
  return JSON.stringify({ error: { name, message } })
}

function withBytes(value: unknown, bytes: readonly Uint8Array[]): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((part) => withBytes(part, bytes))
  if ('$bytes' in value) return bytes[Number(value.$bytes)] ?? Buffer.alloc(0)
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, withBytes(part, bytes)]))
}

function entrySource(script: string): string {
  return `import { start } from './start${extension}'; import * as script from ${JSON.stringify(script)}; start(script)`
}

function resolveModule(specifier: string, importer: string): string {
  const known = modules[specifier] ?? libraries.find(([address]) => address.test(specifier))?.[1]
  if (known !== undefined) return join(libraryFolder, `${known}${extension}`)
  if (!/^(\.\.?\/|\/|file:)/.test(specifier)) {
    throw unsupported(
      `the module '${specifier}'`,
      /^https?:/.test(specifier)
        ? 'download it beside the script and import that file'
        : `use ${Object.keys(modules).join(', ')} and files beside the script`,
    )
  }
  const file = specifier.startsWith('file:')
    ? fileURLToPath(specifier)
    : resolve(dirname(importer), specifier)
  if (!existsSync(file)) throw new Error(`'${specifier}', imported by ${importer}, is not a file`)
  if (!/\.[cm]?[jt]s$/.test(file))
    throw unsupported(`importing '${specifier}'`, 'import .ts and .js files, open() others')
  return file
}
