import { URL } from 'node:url'
import { type CookieJar, createCookieJar, plainCookie } from '../cookies.ts'
import { type FilePart, JAR, matcherOf, readRequest, statusCallback, webUrl } from '../request.ts'
import type { Response } from '../response.ts'
import { send } from '../send.ts'
import { loudly, refuse } from '../test.ts'
import type { VirtualUser } from '../vu.ts'

/** `k6/http` of a user who never blocks: the calls that would are refused, and the rest is as guests have it too. */
export function httpModule(user: VirtualUser): object {
  const blocking = Object.fromEntries(blockingCalls.map((name) => [name, () => refuseBlocking(user, name)]))
  return {
    ...blocking,
    asyncRequest: (method: string, url: unknown, body?: unknown, params?: unknown) =>
      request(user, method, url, body, params),
    expectedStatuses: (...statuses: unknown[]) => loudly(user.test, () => expectedStatuses(statuses)),
    setResponseCallback: (callback: unknown) => setResponseCallback(user, callback),
    url: (parts: readonly string[], ...values: unknown[]) => ({
      url: parts.map((part, at) => (at === 0 ? part : `${values[at - 1]}${part}`)).join(''),
      name: parts.join('$' + '{}'),
    }),
    file: (data: unknown, filename = String(Date.now()), content_type = ''): FilePart & { $file: true } => ({
      $file: true,
      data,
      filename,
      content_type,
    }),
    cookieJar: () => {
      assertHasJar(user)
      return scriptJar(user.cookies)
    },
    CookieJar: function CookieJar() {
      return scriptJar(createCookieJar())
    },
  }
}

/** Rejects where it refuses, as in k6. */
export async function request(
  user: VirtualUser,
  method: string,
  url: unknown,
  body: unknown,
  params: unknown,
): Promise<Response> {
  if (user.initializing) throw new Error('Making http requests in the init context is not supported')
  return send(
    user,
    loudly(user.test, () => readRequest(user, method, url, body, params)),
  )
}

/** Requests side by side, `options.batch` of them at most, and of one host `options.batchPerHost`. */
export async function batch(
  user: VirtualUser,
  entries: readonly (readonly [method: string, url: unknown, body: unknown, params: unknown])[],
): Promise<readonly Response[]> {
  if (user.initializing) throw new Error('Using batch in the init context is not supported')
  const requests = entries.map((entry) => loudly(user.test, () => readRequest(user, ...entry)))
  const { batchMax = 20, batchPerHostMax = 6 } = user.test.options ?? {}
  const responses: Response[] = []
  const waiting = requests.map((entry, at) => ({ entry, at, host: webUrl(entry.url)?.host ?? '' }))
  const perHost = new Map<string, number>()
  const work = async (): Promise<void> => {
    const next = waiting.findIndex(({ host }) => (perHost.get(host) ?? 0) < (batchPerHostMax || Infinity))
    const [taken] = next === -1 ? [] : waiting.splice(next, 1)
    if (taken === undefined) return
    perHost.set(taken.host, (perHost.get(taken.host) ?? 0) + 1)
    responses[taken.at] = await send(user, taken.entry)
    perHost.set(taken.host, (perHost.get(taken.host) ?? 0) - 1)
    await work()
  }
  await Promise.all(Array.from({ length: Math.min(batchMax, requests.length) }, work))
  return responses
}

export function expectedStatuses(statuses: readonly unknown[]): {
  readonly expectedStatuses: readonly unknown[]
} {
  matcherOf(statuses)
  return { expectedStatuses: statuses }
}

export function setResponseCallback(user: VirtualUser, callback: unknown): void {
  user.isExpectedStatus = loudly(user.test, () => statusCallback(callback))
}

const blockingCalls = ['get', 'post', 'put', 'patch', 'del', 'head', 'options', 'request', 'batch']

/** A script that names one of them runs as a guest, where it blocks; this one found another way to it. */
function refuseBlocking(user: VirtualUser, name: string): never {
  return refuse(user.test, `http.${name}() by another name`, `write \`http.${name}(…)\` where it is called`)
}

/** The cookie jar as a script sees it. */
function scriptJar(jar: VirtualUser['cookies']): object {
  const address = (url: unknown) => new URL(String(url))
  return {
    [JAR]: jar,
    set: (url: unknown, name: string, value: unknown, given?: Readonly<Record<string, unknown>>) =>
      jar.set(address(url), plainCookie(name, String(value), given)),
    cookiesForURL: (url: unknown) => cookiesByName(jar, address(url)),
    clear: (url: unknown) => jar.clear(address(url)),
    delete: (url: unknown, name: string) => jar.clear(address(url), name),
  }
}

/** A user's own jar is there once it has been made; others may be made before. */
export function assertHasJar(user: VirtualUser): void {
  if (user.initializing) throw new Error('Making cookie jars in the init context is not supported')
}

export function cookiesByName(jar: CookieJar, url: URL): Readonly<Record<string, readonly string[]>> {
  const found: Record<string, string[]> = {}
  for (const { name, value } of jar.cookiesFor(url)) found[name] = [...(found[name] ?? []), value]
  return found
}
