import { existsSync } from 'node:fs'
import { registerHooks, stripTypeScriptTypes } from 'node:module'
import { fileURLToPath, pathToFileURL, URL } from 'node:url'
import { cryptoModule } from './api/crypto.ts'
import { dataModule } from './api/data.ts'
import { encodingModule } from './api/encoding.ts'
import { executionModule } from './api/execution.ts'
import { globalNames, globalsModule } from './api/globals.ts'
import { htmlModule } from './api/html.ts'
import { httpModule } from './api/http.ts'
import { k6Module } from './api/k6.ts'
import { metricsModule } from './api/metrics.ts'
import { websocketsModule } from './api/websockets.ts'
import { wsModule } from './api/ws.ts'
import { createGuest } from './guest/instance.ts'
import { scriptSource } from './script-source.ts'
import { describe, exitCodes, invalid, Stop, unsupported } from './stop.ts'
import type { Test } from './test.ts'
import { createVirtualUser, runTask, type VirtualUser } from './vu.ts'

/**
 * Makes a virtual user with its own copy of the script and of every file that the script imports: a guest where the script may
 * block, else by module hooks, which is faster. Fails with a `Stop` when its top level throws.
 */
export function createInstance(test: Test, userId: number): Promise<VirtualUser> {
  return test.mayBlock ? createGuest(test, userId) : createNative(test, userId)
}

/** Module hooks: Node runs the script itself, beside those of all other users. */
async function createNative(test: Test, userId: number): Promise<VirtualUser> {
  installHooks()
  const user = createVirtualUser(test, userId)
  instances.push(user)
  const url = pathToFileURL(test.script)
  url.search = `instance=${instances.length - 1}`
  try {
    const { outcome } = await runTask(user, () => import(url.href))
    if (outcome.kind === 'failed') throw outcome.error
    if (outcome.kind === 'done') user.exports = outcome.result as VirtualUser['exports']
    user.initializing = false
    return user
  } catch (error) {
    if (error instanceof Stop) throw error
    throw new Stop(exitCodes.scriptException, describe(error), { cause: error })
  }
}

/** Sandbox: takes away what Node has and k6 has not, so that a script finds neither more nor less than there. */
export function confineGlobals(): void {
  stripTypeScriptTypes('')
  for (const name of Object.getOwnPropertyNames(globalThis)) {
    if (nodeOnly.test(name)) Reflect.deleteProperty(globalThis, name)
  }
}

const modules: Readonly<Record<string, (user: VirtualUser) => object>> = {
  k6: k6Module,
  'k6/http': httpModule,
  'k6/metrics': metricsModule,
  'k6/data': dataModule,
  'k6/execution': executionModule,
  'k6/crypto': cryptoModule,
  'k6/encoding': encodingModule,
  'k6/html': htmlModule,
  'k6/websockets': websocketsModule,
  'k6/ws': wsModule,
}

const globals = 'k6:globals'
const bridge = Symbol.for('admit-once.k6.module')
const instances: VirtualUser[] = []
const sources = new Map<string, string>()
let installed = false

const nodeOnly =
  /^(process|Buffer|fetch|Request|Response|Headers|FormData|WebSocket|EventSource|CloseEvent|Blob|File|URL|URLSearchParams|URLPattern|Event|EventTarget|CustomEvent|MessageChannel|MessagePort|MessageEvent|BroadcastChannel|Abort(Controller|Signal)|Text(En|De)coder(Stream)?|performance|Performance.*|queueMicrotask|structuredClone|setImmediate|clearImmediate|atob|btoa|navigator|Navigator|localStorage|sessionStorage|Storage|(Readable|Writable|Transform|Compression|Decompression|ByteLength|Count).*)$/

function installHooks(): void {
  if (installed) return
  installed = true
  Object.defineProperty(globalThis, bridge, { value: moduleOf })
  registerHooks({
    resolve(specifier, context, next) {
      const instance = instanceOf(context.parentURL)
      if (instance === undefined) return next(specifier, context)
      return {
        url: resolveFor(instance, specifier, context.parentURL ?? ''),
        format: 'module',
        shortCircuit: true,
      }
    },
    load(url, context, next) {
      const instance = instanceOf(url)
      if (instance === undefined) return next(url, context)
      return { format: 'module', source: sourceOf(url, instance), shortCircuit: true }
    },
  })
}

function instanceOf(url: string | undefined): number | undefined {
  const number = /\?instance=(\d+)$/.exec(url ?? '')?.[1]
  return number === undefined ? undefined : Number(number)
}

function resolveFor(instance: number, specifier: string, parentUrl: string): string {
  if (specifier === globals || Object.hasOwn(modules, specifier)) {
    const name = specifier.startsWith('k6:') ? specifier : `k6:${specifier}`
    return `${name}?instance=${instance}`
  }
  if (!/^(\.\.?\/|\/|file:)/.test(specifier)) {
    throw unsupported(
      `the module '${specifier}'`,
      `use ${Object.keys(modules).join(', ')} and files beside the script`,
    )
  }
  const url = new URL(specifier, parentUrl)
  url.search = `instance=${instance}`
  if (!existsSync(url))
    throw new Error(`'${specifier}', imported by ${fileURLToPath(parentUrl)}, is not a file`)
  if (!/\.[cm]?[jt]s$/.test(url.pathname))
    throw unsupported(`importing '${specifier}'`, 'import .ts and .js files, open() others')
  return url.href
}

function sourceOf(url: string, instance: number): string {
  if (url.startsWith('k6:')) return glue(url.slice(3, url.indexOf('?')), instance)
  const file = fileURLToPath(url.replace(/\?.*$/, ''))
  return injected(file, file === instances[instance]?.test.script)
}

/** Synthetic module: a few lines that hand the parts of one of our modules to the script, under the names of k6's. */
function glue(name: string, instance: number): string {
  const get = `globalThis[Symbol.for('${bridge.description}')](${instance}, '${name}')`
  if (name !== 'globals') {
    const names = Object.keys(moduleOf(instance, name))
    return `const module = ${get}; export default module; export const { ${names.join(', ')} } = module`
  }
  return `const module = ${get}; export const { open, openInHelper, ${globalNames.join(', ')} } = module
export let __ITER, __ENV; const update = () => { __ITER = module.__ITER; __ENV = module.__ENV }
module.onChange(update); update()`
}

function moduleOf(instance: number, name: string): object {
  const user = instances[instance]
  const create = name === 'globals' ? globalsModule : modules[name]
  if (user === undefined || create === undefined) throw invalid(`there is no module '${name}' here`)
  return create(user)
}

/**
 * Injected imports: every file sees the globals of its own virtual user, but for names that it declares itself; they come on its
 * first line, so line numbers stay.
 */
function injected(file: string, isMain: boolean): string {
  const known = sources.get(file)
  if (known !== undefined) return known
  const plain = scriptSource(file)
  const declared = declaredNames(plain)
  const names = ['__ITER', '__ENV', 'open', ...globalNames].filter((name) => !declared.has(name))
  const imports = names.map((name) => (name === 'open' && !isMain ? 'openInHelper as open' : name))
  const source = `import { ${imports.join(', ')} } from '${globals}'; ${plain}`
  sources.set(file, source)
  return source
}

/** What a module imports, or declares at the beginning of a line. */
function declaredNames(source: string): ReadonlySet<string> {
  const imports = [...source.matchAll(/^\s*import\s+([^'"]+?)\s+from\b/gm)].flatMap(([, clause = '']) =>
    clause.split(/[{},]/).map(
      (part) =>
        part
          .trim()
          .split(/\s+as\s+/)
          .at(-1) ?? '',
    ),
  )
  const declarations = source.matchAll(
    /^(?:export\s+)?(?:const|let|var|class|(?:async\s+)?function)\s+([\w$]+)/gm,
  )
  return new Set([...imports, ...[...declarations].map(([, name = '']) => name)])
}
