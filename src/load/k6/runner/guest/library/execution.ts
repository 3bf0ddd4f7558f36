import { ask } from './bridge.ts'

/** `k6/execution`: where in the run the script is, and how to end it. */
export const scenario = section('scenario', [
  ...['name', 'executor', 'startTime', 'progress', 'iterationInInstance', 'iterationInTest'],
])
export const instance = section('instance', [
  ...[
    'currentTestRunDuration',
    'iterationsCompleted',
    'iterationsInterrupted',
    'vusActive',
    'vusInitialized',
  ],
])
const tags = new Proxy<Record<string, unknown>>(
  {},
  {
    get: (_target, name) => (ask('tags') as Record<string, unknown>)[String(name)],
    set: (_target, name, value) => Boolean(ask('tags.set', String(name), String(value))),
    deleteProperty: (_target, name) => Boolean(ask('tags.set', String(name))),
    has: (_target, name) => String(name) in (ask('tags') as object),
    ownKeys: () => Object.keys(ask('tags') as object),
    getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }),
  },
)
export const vu = Object.assign(
  section('vu', ['idInInstance', 'idInTest', 'iterationInInstance', 'iterationInScenario']),
  { tags, metrics: { tags } },
)
export const test = Object.assign(section('test', ['options']), {
  abort: (reason?: string) => ask('abort', ...(reason === undefined ? [] : [reason])),
  fail: (reason?: string) => ask('fail', ...(reason === undefined ? [] : [reason])),
})
export default { scenario, instance, vu, test }

function section(name: string, keys: readonly string[]): object {
  const object = {}
  for (const key of keys)
    Object.defineProperty(object, key, { enumerable: true, get: () => ask('execution', name, key) })
  return object
}
