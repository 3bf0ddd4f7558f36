import { Buffer } from 'node:buffer'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import loader from '@jitl/quickjs-wasmfile-release-sync/emscripten-module'
import { QuickJSFFI } from '@jitl/quickjs-wasmfile-release-sync/ffi'
import { installTracker, withTable } from './rejections.ts'

/** What a guest asks of the world outside. `answer` must not throw: no exception may cross the frames of WebAssembly. */
export interface Host {
  /** The answer to what the guest asks; a promise of one blocks the guest until it is there. */
  answer(operation: string, argumentsJson: string, bytes: readonly Uint8Array[]): Answer | Promise<Answer>
  /** The name of a module, and its source; what they throw ends the load. */
  resolveModule(specifier: string, importer: string): string
  moduleSource(name: string): string
  /** Asked every ten thousand steps: true ends the guest's call with an error that it cannot catch. */
  shouldInterrupt(): boolean
}

/** JSON text, bytes, or nothing. */
export type Answer = string | Uint8Array | undefined

/** One interpreter of JavaScript with a memory of its own. While a call is blocked nothing else may be called: see `enter`. */
export interface Engine {
  /**
   * Evaluates a module with all that it imports; fails with what it throws. What it gives is to be called once nothing that its
   * top level waits for is under way, and throws unless that has come to its end.
   */
  evaluate(name: string, source: string): Promise<() => void>
  /**
   * Calls a global function without arguments, then every promise reaction that is due. Gives the reason of a promise that was
   * rejected meanwhile and that nobody looks at, if there is one.
   */
  call(name: string): Promise<Error | undefined>
}

/**
 * QuickJS in WebAssembly, one instance a guest, of one compiled module. JSPI (JavaScript Promise Integration) turns an
 * asynchronous operation into a blocking one, here and nowhere else: the import by which a guest calls its host is a
 * `WebAssembly.Suspending`, so that a promise which it returns suspends the guest's whole stack, its interpreter included.
 */
export async function createEngine(host: Host): Promise<Engine> {
  const { module, instance } = await instantiate(host)
  const ffi = new QuickJSFFI(module)
  const runtime = ffi.QTS_NewRuntime()
  ffi.QTS_RuntimeSetMaxStackSize(runtime, stackBytesMax)
  ffi.QTS_RuntimeEnableModuleLoader(runtime, 1)
  const guest: Guest = {
    module,
    ffi,
    runtime,
    context: ffi.QTS_NewContext(runtime, 0 as never),
    globals: new Map(),
    entries: new Map(),
    rejections: new Map(),
  }
  module.callbacks = callbacksOf(guest, host)
  const enable = () => ffi.QTS_RuntimeEnableInterruptHandler(runtime)
  installTracker(instance, module.HEAPU8.buffer, runtime, enable, (promise, reason, isHandled) => {
    if (isHandled) guest.rejections.delete(promise)
    else guest.rejections.set(promise, keep(guest, reason))
  })
  defineHost(guest)
  return {
    evaluate: (name, source) => evaluate(guest, name, source),
    call: (name) => callGlobal(guest, name),
  }
}

/** Recursion deeper than this is an error that a script can catch; V8 gives a suspended stack about 1 MB. */
const stackBytesMax = 256 * 1024
/** The modules of k6 as guests have them; their frames say nothing about a script. */
export const libraryFolder = join(import.meta.dirname, 'library')
const promiseStates = { pending: 0, rejected: 2 } as const
const asModule = 1

/** Its types call it a namespace, which it is not for Node. */
const loadModule = loader as unknown as typeof loader.default

type Module = Awaited<ReturnType<typeof loadModule>>

interface Guest {
  readonly module: Module
  readonly ffi: QuickJSFFI
  readonly runtime: ReturnType<QuickJSFFI['QTS_NewRuntime']>
  readonly context: ReturnType<QuickJSFFI['QTS_NewContext']>
  /** Functions that are called again and again. */
  readonly globals: Map<string, Value>
  readonly entries: Map<string, (...values: number[]) => Promise<number>>
  /** Reasons of rejected promises without a handler, by the promise. */
  readonly rejections: Map<number, Value>
}

type Value = ReturnType<QuickJSFFI['QTS_NewString']>
type Callbacks = Module['callbacks']

/** The parts of JSPI, which the types of TypeScript do not have yet. */
const jspi = WebAssembly as unknown as {
  readonly Suspending: new (call: (...values: never[]) => unknown) => WebAssembly.ImportValue
  promising(exported: unknown): (...values: number[]) => Promise<number>
}

const wasmFile = createRequire(import.meta.url).resolve('@jitl/quickjs-wasmfile-release-sync/wasm')
let compiled: Promise<WebAssembly.Module> | undefined

function compile(): Promise<WebAssembly.Module> {
  compiled ??= readFile(wasmFile).then((bytes) => WebAssembly.compile(withTable(bytes) as BufferSource))
  return compiled
}

async function instantiate(
  host: Host,
): Promise<{ readonly module: Module; readonly instance: WebAssembly.Instance }> {
  const wasm = await compile()
  let found: WebAssembly.Instance | undefined
  const module = await loadModule({
    instantiateWasm(imports, done) {
      const instance = new WebAssembly.Instance(wasm, suspending(imports))
      found = instance
      done(instance)
      return instance.exports
    },
  })
  module.callbacks = { shouldInterrupt: () => (host.shouldInterrupt() ? 1 : 0) } as unknown as Callbacks
  if (found === undefined) throw new Error('QuickJS was not instantiated')
  return { module, instance: found }
}

/** The names of the imports are minified: the one that calls the host is found by what it does. */
function suspending(imports: WebAssembly.Imports): WebAssembly.Imports {
  const entries = Object.entries(imports).map(([space, members]) => {
    const wrapped = Object.entries(members).map(([name, member]) => {
      const callsHost = typeof member === 'function' && String(member).includes('callbacks.callFunction')
      return [name, callsHost ? new jspi.Suspending(member as never) : member]
    })
    return [space, Object.fromEntries(wrapped)]
  })
  const found = Object.fromEntries(entries)
  const count = Object.values(found).flatMap((space) =>
    Object.values(space as object).filter((member) => member instanceof jspi.Suspending),
  ).length
  if (count !== 1) throw new Error(`QuickJS has ${count} imports that call the host, instead of one`)
  return found
}

function callbacksOf(guest: Guest, host: Host): Callbacks {
  const { module, ffi } = guest
  const text = (value: string) => newText(module, value)
  return {
    freeHostRef: () => undefined,
    shouldInterrupt: () => (host.shouldInterrupt() ? 1 : 0),
    callFunction(_asyncify, _context, _this, count, values) {
      const value = (at: number) => ffi.QTS_ArgvGetJSValueConstPointer(values, at)
      const bytes = Array.from({ length: Math.max(0, count - 2) }, (_, at) => bytesOf(guest, value(at + 2)))
      const answer = host.answer(textOf(guest, value(0)), count > 1 ? textOf(guest, value(1)) : '', bytes)
      if (!(answer instanceof Promise)) return give(guest, answer)
      return answer.then((later) => give(guest, later)) as never
    },
    loadModuleSource: (_asyncify, _runtime, _context, name) => attempt(() => text(host.moduleSource(name))),
    normalizeModule: (_asyncify, _runtime, _context, importer, specifier) =>
      attempt(() => text(host.resolveModule(specifier, importer))),
  }
  function attempt<T>(work: () => T): T {
    try {
      return work()
    } catch {
      // The host remembers why; the guest ends its load without a source.
      return 0 as T
    }
  }
}

/** The one function of ours in a guest; its library takes it from the global scope before any script runs. */
function defineHost({ module, ffi, context }: Guest): void {
  const call = ffi.QTS_NewFunction(context, 'host', 2, false, 1 as never)
  const scope = ffi.QTS_GetGlobalObject(context)
  const text = newText(module, 'host')
  const name = ffi.QTS_NewString(context, text)
  module._free(text)
  ffi.QTS_SetProp(context, scope, name, call)
  for (const value of [name, call, scope]) ffi.QTS_FreeValuePointer(context, value)
}

async function evaluate(guest: Guest, name: string, source: string): Promise<() => void> {
  const { module, ffi, context } = guest
  const [code, file] = [newText(module, source), newText(module, name)]
  const length = Buffer.byteLength(source)
  const result = (await raw(guest, 'QTS_Eval')(context, code, length, file, 0, asModule)) as Value
  module._free(code)
  module._free(file)
  throwException(guest, result)
  await runJobs(guest)
  const stateUnlessRejected = () => {
    const state = ffi.QTS_PromiseState(context, result)
    if (state === promiseStates.rejected) throw errorOf(guest, ffi.QTS_PromiseResult(context, result))
    return state
  }
  stateUnlessRejected()
  const unhandled = takeRejection(guest)
  if (unhandled !== undefined) throw unhandled
  return () => {
    if (stateUnlessRejected() === promiseStates.pending)
      throw new Error('the top level of the script waits for what never comes')
    ffi.QTS_FreeValuePointer(context, result)
  }
}

async function callGlobal(guest: Guest, name: string): Promise<Error | undefined> {
  const { ffi, context, globals } = guest
  const called = globals.get(name) ?? globalNamed(guest, name)
  globals.set(name, called)
  const result = (await raw(guest, 'QTS_Call')(context, called, ffi.QTS_GetUndefined(), 0, 0)) as Value
  throwException(guest, result)
  ffi.QTS_FreeValuePointer(context, result)
  await runJobs(guest)
  return takeRejection(guest)
}

/** The first one is told, as in k6. */
function takeRejection(guest: Guest): Error | undefined {
  const errors = [...guest.rejections.values()].map((reason) => errorOf(guest, reason))
  guest.rejections.clear()
  return errors[0]
}

/** A value of the engine, which it must not free. */
function keep({ module, ffi, context }: Guest, value: bigint): Value {
  const place = module._malloc(BigInt64Array.BYTES_PER_ELEMENT)
  new DataView(module.HEAPU8.buffer).setBigInt64(place, value, true)
  const kept = ffi.QTS_DupValuePointer(context, place as never)
  module._free(place)
  return kept
}

function globalNamed({ module, ffi, context }: Guest, name: string): Value {
  const scope = ffi.QTS_GetGlobalObject(context)
  const text = newText(module, name)
  const key = ffi.QTS_NewString(context, text)
  module._free(text)
  const value = ffi.QTS_GetProp(context, scope, key)
  for (const used of [key, scope]) ffi.QTS_FreeValuePointer(context, used)
  return value
}

async function runJobs(guest: Guest): Promise<void> {
  const { module, ffi, runtime, context } = guest
  const lastContext = module._malloc(4)
  let first: Error | undefined
  try {
    while (ffi.QTS_IsJobPending(runtime) === 1) {
      const result = (await raw(guest, 'QTS_ExecutePendingJob')(runtime, -1, lastContext)) as Value
      const exception = ffi.QTS_ResolveException(context, result)
      if (exception === 0) ffi.QTS_FreeValuePointer(context, result)
      else first ??= errorOf(guest, exception)
    }
  } finally {
    module._free(lastContext)
  }
  if (first !== undefined) throw first
}

/** Entry into the guest that may be suspended. Not through the wrappers: they give the stack back while it is still in use. */
function raw({ module, entries }: Guest, name: string): (...values: number[]) => Promise<number> {
  const entry = entries.get(name) ?? jspi.promising(Reflect.get(module, `_${name}`))
  entries.set(name, entry)
  return entry
}

function throwException(guest: Guest, result: Value): void {
  const exception = guest.ffi.QTS_ResolveException(guest.context, result)
  if (exception !== 0) throw errorOf(guest, exception)
}

/** An error of the guest as one of ours, with its stack. */
function errorOf(guest: Guest, value: Value): Error {
  const { module, ffi, context } = guest
  const dump = ffi.QTS_Dump(context, value)
  const text = module.UTF8ToString(dump)
  ffi.QTS_FreeCString(context, dump)
  ffi.QTS_FreeValuePointer(context, value)
  return guestError(parsed(text))
}

export function guestError(thrown: unknown): Error {
  if (typeof thrown !== 'object' || thrown === null) return new Error(String(thrown))
  const { name = 'Error', message = '', stack = '' } = thrown as Readonly<Record<string, unknown>>
  const frames = String(stack)
    .split('\n')
    .filter((frame) => frame.trim() !== '' && !frame.includes(libraryFolder))
  const error = new Error(String(message))
  error.name = String(name)
  error.stack = [`${name}: ${message}`, ...frames].join('\n')
  return error
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function textOf({ module, ffi, context }: Guest, value: ReturnType<QuickJSFFI['QTS_GetUndefined']>): string {
  const start = ffi.QTS_GetString(context, value)
  const heap = module.HEAPU8
  const text = Buffer.from(heap.buffer, start, heap.indexOf(0, start) - start).toString('utf8')
  ffi.QTS_FreeCString(context, start)
  return text
}

function bytesOf(
  { module, ffi, context }: Guest,
  value: ReturnType<QuickJSFFI['QTS_GetUndefined']>,
): Uint8Array {
  const start = ffi.QTS_GetArrayBuffer(context, value)
  return module.HEAPU8.slice(start, start + ffi.QTS_GetArrayBufferLength(context, value))
}

function newText(module: Module, text: string): never {
  const bytes = Buffer.from(text, 'utf8')
  const start = module._malloc(bytes.length + 1)
  module.HEAPU8.set(bytes, start)
  module.HEAPU8[start + bytes.length] = 0
  return start as never
}

function give({ module, ffi, context }: Guest, answer: Answer): Value {
  if (answer === undefined) return 0 as Value
  if (typeof answer !== 'string') {
    const start = module._malloc(answer.length)
    module.HEAPU8.set(answer, start)
    return ffi.QTS_NewArrayBuffer(context, start as never, answer.length)
  }
  const text = newText(module, answer)
  const value = ffi.QTS_NewString(context, text)
  module._free(text)
  return value
}
