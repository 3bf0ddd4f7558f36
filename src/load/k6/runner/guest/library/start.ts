import { ask, askWithBytes, described, refuse } from './bridge.ts'
import { defineWeb } from './web.ts'

/** What the host has for a guest: a function of the script to call, an answer to one that did not wait, or a timer. */
type Event =
  | {
      readonly kind: 'call'
      readonly name: string
      readonly argument: unknown
      readonly iteration: number | null
      readonly env: unknown
      readonly isKept: boolean
    }
  | { readonly kind: 'settle'; readonly id: number; readonly value?: unknown; readonly error?: ErrorLike }
  | { readonly kind: 'timer'; readonly id: number }
  | { readonly kind: 'socket'; readonly id: number; readonly type: string; readonly fields: object }

interface Timer {
  readonly call: () => unknown
  readonly delayMs: number
  readonly repeats: boolean
}

interface ErrorLike {
  readonly name: string
  readonly message: string
}

const scope = globalThis as unknown as Record<string, unknown>
const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
const timers = new Map<number, Timer>()
const sockets = new Map<number, (type: string, fields: object) => void>()
let exports: Readonly<Record<string, unknown>> = {}
let lastId = 0

/** Event loop of the guest: the host calls this once for each event. */
scope['step'] = () => {
  const event = ask('event') as Event
  switch (event.kind) {
    case 'call':
      for (const ofLastCall of [waiting, timers, sockets]) ofLastCall.clear()
      scope['__ITER'] = event.iteration ?? undefined
      scope['__ENV'] = event.env
      return report(
        () => (exports[event.name] as (argument: unknown) => unknown)(event.argument),
        event.isKept,
      )
    case 'settle':
      return settle(event)
    case 'timer':
      return fire(event.id)
    case 'socket':
      return sockets.get(event.id)?.(event.type, event.fields)
  }
}

/** Tells the host what the script exports, once its top level has run. */
export function start(script: Readonly<Record<string, unknown>>): void {
  exports = script
  const functions = Object.keys(script).filter((name) => typeof script[name] === 'function')
  ask('exports', functions, script['options'])
}

/** An operation that does not block: its promise is settled by an event. */
export function askLater(operation: string, ...values: unknown[]): Promise<unknown> {
  lastId += 1
  const id = lastId
  const promise = new Promise((resolve, reject) => waiting.set(id, { resolve, reject }))
  askWithBytes(operation, id, ...values)
  return promise
}

export function onSocket(id: number, listener: (type: string, fields: object) => void): void {
  sockets.set(id, listener)
}

export function newId(): number {
  lastId += 1
  return lastId
}

function report(call: () => unknown, isKept: boolean): void {
  const returned = (value: unknown) =>
    isKept && value !== undefined ? askWithBytes('returned', value) : ask('returned')
  let result: unknown
  try {
    result = call()
  } catch (error) {
    ask('threw', described(error), false)
    return
  }
  if (result instanceof Promise) result.then(returned, (error) => ask('threw', described(error), true))
  else returned(result)
}

function settle({ id, value, error }: Event & { readonly kind: 'settle' }): void {
  const promise = waiting.get(id)
  waiting.delete(id)
  if (error === undefined) promise?.resolve(value)
  else promise?.reject(Object.assign(new Error(error.message), { name: error.name }))
}

/** One tick of an interval after the other: the next one is asked for once this one has been heard. */
function fire(id: number): void {
  const timer = timers.get(id)
  if (timer === undefined) return
  if (!timer.repeats) timers.delete(id)
  timer.call()
  if (timer.repeats && timers.has(id)) ask('timer', id, timer.delayMs)
}

function schedule(callback: unknown, delayMs: number, values: unknown[], repeats: boolean): number {
  if (typeof callback !== 'function') throw new TypeError('a timer needs a function')
  const id = newId()
  const timer = { call: () => callback(...values), delayMs: Number(delayMs) || 0, repeats }
  timers.set(id, timer)
  ask('timer', id, timer.delayMs)
  return id
}

function clear(id: unknown): void {
  if (typeof id === 'number' && timers.delete(id)) ask('clear', id)
}

/** The file of this name that calls `open`, from the stack of an error: what a relative path is relative to depends on it. */
function openFile(path: unknown, mode?: unknown): unknown {
  const frames = new Error().stack?.split('\n') ?? []
  const caller = /\((.*?)(?::\d+)*\)/.exec(frames[1] ?? '')?.[1] ?? ''
  return ask('open', String(path), mode ?? '', caller)
}

function print(level: string): (...values: unknown[]) => void {
  return (...values) => ask('log', level, values.map(shown).join(' '))
}

function shown(value: unknown): string {
  if (typeof value === 'object' && value !== null && !(value instanceof Error))
    try {
      return JSON.stringify(value)
    } catch {
      return String(value)
    }
  return String(value)
}

Object.assign(scope, {
  __VU: ask('vu'),
  __ENV: ask('env'),
  __ITER: undefined,
  open: openFile,
  console: {
    log: print('info'),
    info: print('info'),
    debug: () => undefined,
    warn: print('warning'),
    error: print('error'),
  },
  setTimeout: (callback: unknown, delayMs: number, ...values: unknown[]) =>
    schedule(callback, delayMs, values, false),
  setInterval: (callback: unknown, delayMs: number, ...values: unknown[]) =>
    schedule(callback, delayMs, values, true),
  clearTimeout: clear,
  clearInterval: clear,
  require: (name: unknown) => refuse(`require('${name}')`, 'use `import`'),
})
defineWeb(scope)
