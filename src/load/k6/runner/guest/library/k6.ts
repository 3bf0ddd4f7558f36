import { randomFrom } from '../../../../../core/random.ts'
import { ask } from './bridge.ts'

/** The module `k6` of a user who may block. */
export function sleep(seconds: unknown): void {
  ask('sleep', Number(seconds))
}

export function fail(message?: unknown): never {
  throw new Error(message === undefined ? '' : String(message))
}

/** The same numbers in each run of this runner, though not those of k6. */
export function randomSeed(seed: unknown): void {
  Math.random = randomFrom(Number(seed)).fraction
}

export function group(name: unknown, body: () => unknown): unknown {
  if (isAsync(body)) throw new Error('group() does not support async functions as arguments')
  ask('group.enter', String(name))
  try {
    return body()
  } finally {
    ask('group.leave')
  }
}

/** One question to the host for all conditions: it counts what was found here. */
export function check(
  value: unknown,
  conditions: Readonly<Record<string, unknown>>,
  tags: object = {},
): boolean {
  const found: [name: string, passed: boolean][] = []
  try {
    for (const [name, condition] of Object.entries(conditions)) {
      if (isAsync(condition))
        throw new Error('the built-in check() does not support async functions as arguments')
      found.push([name, false])
      const passed = Boolean(typeof condition === 'function' ? condition(value) : condition)
      found[found.length - 1] = [name, passed]
    }
  } finally {
    ask('check', found, tags)
  }
  return found.every(([, passed]) => passed)
}

export default { check, fail, group, randomSeed, sleep }

function isAsync(value: unknown): boolean {
  return typeof value === 'function' && value.constructor.name === 'AsyncFunction'
}
