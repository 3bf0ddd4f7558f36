import { Buffer } from 'node:buffer'
import { randomUUID } from 'node:crypto'
import { clearTimeout, setTimeout } from 'node:timers'
import { URL } from 'node:url'
import { digest, type Key, randomBuffer } from '../api/crypto.ts'
import { b64decode, b64encode } from '../api/encoding.ts'
import { executionModule } from '../api/execution.ts'
import { openFile, startTimer } from '../api/globals.ts'
import {
  assertHasJar,
  batch,
  cookiesByName,
  expectedStatuses,
  request,
  setResponseCallback,
} from '../api/http.ts'
import { countCheck, enterGroup } from '../api/k6.ts'
import { metricsModule, withTags } from '../api/metrics.ts'
import { type CookieJar, createCookieJar, plainCookie } from '../cookies.ts'
import { logConsole } from '../log.ts'
import { JAR } from '../request.ts'
import type { Response } from '../response.ts'
import { refuse } from '../test.ts'
import { begin, type VirtualUser } from '../vu.ts'
import { htmlOperations } from './html.ts'
import type { Events, Operations } from './question.ts'
import { lengthOfShared, putShared, readShared } from './shared.ts'
import { socketOperations } from './sockets.ts'

export function operationsOf(user: VirtualUser, events: Events): Operations {
  return {
    ...basicOperations(user, events),
    ...htmlOperations(user, events),
    ...httpOperations(user, events),
    ...cookieOperations(user),
    ...metricOperations(user),
    ...executionOperations(user),
    ...byteOperations(user),
    ...socketOperations(user, events),
  }
}

function basicOperations(user: VirtualUser, events: Events): Operations {
  const timers = new Map<number, () => void>()
  const leaving: (() => void)[] = []
  events.whenOver(() => {
    timers.clear()
    leaving.length = 0
  })
  return {
    vu: () => user.id,
    env: () => user.env,
    refuse: (what: string, instead: string) => refuse(user.test, what, instead),
    log: (level: 'info' | 'warning' | 'error', message: string) => logConsole(level, message),
    open: (path: string, mode: string, caller: string) => openFile(user, path, mode, caller),
    sleep: (seconds: number) => sleep(user, seconds),
    timer(id: number, delayMs: number) {
      const fire = () => {
        timers.delete(id)
        events.push({ kind: 'timer', id })
      }
      timers.set(id, startTimer(user, fire, delayMs, false))
    },
    clear(id: number) {
      timers.get(id)?.()
      timers.delete(id)
    },
    'group.enter': (name: string) => void leaving.push(enterGroup(user, name)),
    'group.leave': () => leaving.pop()?.(),
    check(found: readonly (readonly [name: string, passed: boolean])[], given: Record<string, unknown>) {
      if (user.initializing) throw new Error('Using check() in the init context is not supported')
      const tags = withTags(user, given)
      for (const [name, passed] of found) countCheck(user, tags, name, passed)
    },
    'shared.length': (name: string) => {
      if (!user.initializing) throw new Error('new SharedArray must be called in the init context')
      return lengthOfShared(user.test, name)
    },
    'shared.put': (name: string, made: readonly unknown[]) => putShared(user.test, name, made),
    'shared.read': (name: string, at: number) => readShared(user.test, name, at),
  }
}

/** Blocks for so long; a request or a timer of this user that ends meanwhile waits for it, as in k6. */
function sleep(user: VirtualUser, seconds: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  begin(user, (end) => {
    const timer = setTimeout(() => end(resolve), Math.max(0, seconds * 1000))
    return () => clearTimeout(timer)
  })
  return promise
}

type RequestValues = readonly [method: string, url: unknown, body: unknown, params: unknown]

function httpOperations(user: VirtualUser, events: Events): Operations {
  const jarred = ([method, url, body, params]: RequestValues): RequestValues => [
    method,
    url,
    body,
    withJar(user, params),
  ]
  return {
    'http.request': async (...values: RequestValues) => fieldsOf(await request(user, ...jarred(values))),
    'http.later': (id: number, ...values: RequestValues) => {
      request(user, ...jarred(values)).then(
        (response) => events.push({ kind: 'settle', id, value: fieldsOf(response) }),
        (error: Error) =>
          events.push({ kind: 'settle', id, error: { name: error.name, message: error.message } }),
      )
    },
    'http.batch': async (...flat: readonly unknown[]) => {
      const entries = Array.from({ length: flat.length / 4 }, (_, at) =>
        jarred(flat.slice(at * 4, at * 4 + 4) as unknown as RequestValues),
      )
      return (await batch(user, entries)).map(fieldsOf)
    },
    'http.expectedStatuses': (statuses: readonly unknown[]) => void expectedStatuses(statuses),
    'http.setResponseCallback': (given: { readonly responseCallback: unknown } | null) =>
      setResponseCallback(user, given === null ? null : given.responseCallback),
  }
}

/** What a response has beside its methods. */
function fieldsOf(response: Response): object {
  return { ...response }
}

const jars = new WeakMap<VirtualUser, CookieJar[]>()

function jarOf(user: VirtualUser, id: number): CookieJar {
  return jars.get(user)?.[id - 1] ?? user.cookies
}

function withJar(user: VirtualUser, params: unknown): unknown {
  if (typeof params !== 'object' || params === null || !('jar' in params)) return params
  const { jar } = params as { readonly jar: { readonly $jar?: number } | null }
  if (jar?.$jar === undefined) return params
  return { ...params, jar: { [JAR]: jarOf(user, jar.$jar) } }
}

function cookieOperations(user: VirtualUser): Operations {
  return {
    'jar.own': () => assertHasJar(user),
    'jar.create': () => {
      const known = jars.get(user) ?? []
      jars.set(user, known)
      return known.push(createCookieJar())
    },
    'jar.read': (id: number, url: string) => cookiesByName(jarOf(user, id), new URL(url)),
    'jar.set': (id: number, url: string, name: string, value: string, given: Record<string, unknown>) =>
      jarOf(user, id).set(new URL(url), plainCookie(name, value, given)),
    'jar.clear': (id: number, url: string, name: string | null) =>
      jarOf(user, id).clear(new URL(url), name ?? undefined),
  }
}

interface ScriptMetric {
  add(value: unknown, tags: Readonly<Record<string, unknown>>): boolean
}

function metricOperations(user: VirtualUser): Operations {
  const classes = metricsModule(user) as Readonly<
    Record<string, new (name: string, isTime: boolean) => ScriptMetric>
  >
  const metrics: ScriptMetric[] = []
  return {
    metric(type: string, name: string, isTime: boolean) {
      const Metric = classes[type]
      if (Metric === undefined) throw new Error(`there is no metric of type ${type}`)
      return metrics.push(new Metric(name, isTime)) - 1
    },
    'metric.add': (id: number, value: unknown, tags: Record<string, unknown>) =>
      metrics[id]?.add(value, tags) ?? false,
  }
}

function executionOperations(user: VirtualUser): Operations {
  const sections = executionModule(user) as Readonly<Record<string, Readonly<Record<string, unknown>>>>
  const control = sections['test'] as unknown as Readonly<Record<'abort' | 'fail', (reason?: string) => void>>
  return {
    execution: (section: string, key: string) => sections[section]?.[key],
    tags: () => user.tags,
    'tags.set': (name: string, value?: string) => {
      if (value === undefined) delete user.tags[name]
      else user.tags[name] = value
      return true
    },
    abort: (reason?: string) => control.abort(reason),
    fail: (reason?: string) => control.fail(reason),
  }
}

function byteOperations(user: VirtualUser): Operations {
  return {
    uuid: () => randomUUID(),
    'text.encode': (text: string) => new Uint8Array(Buffer.from(text)).buffer,
    'text.decode': (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8'),
    'crypto.random': (count: number) => randomBuffer(count),
    'crypto.hex': (input: unknown) => Buffer.from(input as Uint8Array).toString('hex'),
    'crypto.digest': (algorithm: unknown, key: Key | null, parts: object, encoding: unknown) =>
      digest(user, algorithm, key ?? undefined, Object.values(parts), encoding),
    'encoding.encode': (input: unknown, encoding: unknown) => b64encode(input, encoding),
    'encoding.decode': (input: unknown, encoding: unknown, format: unknown) =>
      b64decode(input, encoding, format),
  }
}
