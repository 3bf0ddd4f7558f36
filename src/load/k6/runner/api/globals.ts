import { webcrypto } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { dirname, isAbsolute, resolve } from 'node:path'
import { clearTimeout, setTimeout } from 'node:timers'
import { format } from 'node:util'
import { log } from '../log.ts'
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

/** As in k6, what a script prints goes to stderr with the rest of the log. */
const scriptConsole = {
  log: (...values: unknown[]) => log('info', format(...values)),
  info: (...values: unknown[]) => log('info', format(...values)),
  debug: () => undefined,
  warn: (...values: unknown[]) => log('warning', format(...values)),
  error: (...values: unknown[]) => log('error', format(...values)),
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
  const schedule = (callback: () => void, delayMs: number, repeat: boolean) => {
    const id = ++lastId
    let timer: NodeJS.Timeout | undefined
    const end = begin(user, () => clearTimeout(timer))
    const cancel = () => {
      clearTimeout(timer)
      running.delete(id)
      end(() => undefined)
    }
    const arm = () => {
      timer = setTimeout(() => {
        if (!repeat) running.delete(id)
        end(callback, repeat)
        if (repeat && running.has(id)) arm()
      }, delayMs)
    }
    running.set(id, cancel)
    arm()
    return id
  }
  const clear = (id: number) => running.get(id)?.()
  return {
    setTimeout: (callback: () => void, delayMs = 0, ...values: never[]) =>
      schedule(withValues(callback, values), delayMs, false),
    setInterval: (callback: () => void, delayMs = 0, ...values: never[]) =>
      schedule(withValues(callback, values), delayMs, true),
    clearTimeout: clear,
    clearInterval: clear,
  }
}

function withValues(callback: (...values: never[]) => void, values: never[]): () => void {
  return values.length === 0 ? callback : () => callback(...values)
}
