import { webcrypto } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { dirname, isAbsolute, resolve } from 'node:path'
import { clearTimeout, setTimeout } from 'node:timers'
import { format } from 'node:util'
import { logConsole } from '../log.ts'
import { refuse } from '../test.ts'
import { begin, type VirtualUser } from '../vu.ts'

/** The globals of a script that belong to its virtual user; `__ITER` and `__ENV` change, and `open` differs: those come apart. */
export const globalNames = [
  ...['__VU', 'console', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'],
  ...['Math', 'crypto'],
]

export function globalsModule(user: VirtualUser): object {
  return {
    __VU: user.id,
    get __ITER() {
      return user.iteration
    },
    get __ENV() {
      return user.env
    },
    onChange(update: () => void) {
      const before = user.onChange
      user.onChange = () => {
        before()
        update()
      }
    },
    open: (path: string, mode?: string) => open(user, path, mode),
    openInHelper: (path: string, mode?: string) => openInHelper(user, path, mode),
    console: scriptConsole,
    Math: Object.create(Math, { random: { value: () => user.random() } }),
    crypto: scriptCrypto(user),
    ...timers(user),
  }
}

/** `open()` called in the file `caller`. */
export function openFile(
  user: VirtualUser,
  path: string,
  mode: string,
  caller: string,
): string | ArrayBuffer {
  const isBeside = caller === '' || dirname(caller) === dirname(user.test.script)
  return isBeside ? open(user, path, mode) : openInHelper(user, path, mode)
}

function open(user: VirtualUser, path: string, mode?: string): string | ArrayBuffer {
  if (!user.initializing)
    throw new Error('open() is only available in the init stage: call it outside of any function')
  const bytes = readFileSync(resolve(dirname(user.test.script), path))
  return mode === 'b'
    ? bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
    : bytes.toString('utf8')
}

/** What a relative path in an imported file is relative to is about to change in k6, so it is not guessed here. */
function openInHelper(user: VirtualUser, path: string, mode?: string): string | ArrayBuffer {
  if (isAbsolute(path)) return open(user, path, mode)
  return refuse(
    user.test,
    `open('${path}') in an imported file`,
    'call open() in the script itself and hand on what it returns',
  )
}

const scriptConsole = {
  log: (...values: unknown[]) => logConsole('info', format(...values)),
  info: (...values: unknown[]) => logConsole('info', format(...values)),
  debug: () => undefined,
  warn: (...values: unknown[]) => logConsole('warning', format(...values)),
  error: (...values: unknown[]) => logConsole('error', format(...values)),
}

function scriptCrypto(user: VirtualUser): object {
  return {
    randomUUID: () => webcrypto.randomUUID(),
    getRandomValues: <T extends Parameters<typeof webcrypto.getRandomValues>[0]>(array: T) =>
      webcrypto.getRandomValues(array),
    get subtle(): never {
      return refuse(user.test, 'crypto.subtle', 'use crypto.randomUUID() or crypto.getRandomValues()')
    },
  }
}

/** Timers hold an iteration open until they have fired, and die with it. */
function timers(user: VirtualUser): object {
  const running = new Map<number, () => void>()
  let lastId = 0
  const schedule = (callback: () => void, delayMs: number, repeats: boolean) => {
    const id = ++lastId
    const fire = () => {
      if (!repeats) running.delete(id)
      callback()
    }
    running.set(id, startTimer(user, fire, delayMs, repeats))
    return id
  }
  const clear = (id: number) => {
    running.get(id)?.()
    running.delete(id)
  }
  return {
    setTimeout: (callback: () => void, delayMs = 0, ...values: never[]) =>
      schedule(withValues(callback, values), delayMs, false),
    setInterval: (callback: () => void, delayMs = 0, ...values: never[]) =>
      schedule(withValues(callback, values), delayMs, true),
    clearTimeout: clear,
    clearInterval: clear,
  }
}

/** A timer that holds the iteration open; what it gives stops the timer. */
export function startTimer(
  user: VirtualUser,
  callback: () => void,
  delayMs: number,
  repeats: boolean,
): () => void {
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  let stop = (): void => undefined
  begin(user, (end) => {
    const arm = () => {
      timer = setTimeout(() => {
        if (!repeats) stopped = true
        end(callback, repeats)
        if (!stopped) arm()
      }, delayMs)
    }
    stop = () => {
      if (stopped) return
      stopped = true
      clearTimeout(timer)
      end(() => undefined)
    }
    arm()
    return () => {
      stopped = true
      clearTimeout(timer)
    }
  })
  return () => stop()
}

function withValues(callback: (...values: never[]) => void, values: never[]): () => void {
  return values.length === 0 ? callback : () => callback(...values)
}
