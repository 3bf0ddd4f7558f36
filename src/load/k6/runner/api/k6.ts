import { performance } from 'node:perf_hooks'
import { types } from 'node:util'
import { randomFrom } from '../../../../core/random.ts'
import { recordCheck, refuse, sample } from '../test.ts'
import type { VirtualUser } from '../vu.ts'
import { withTags } from './metrics.ts'

/** The module `k6`. */
export function k6Module(user: VirtualUser): object {
  return {
    check: (value: unknown, checks: Checks, tags: Readonly<Record<string, unknown>> = {}) =>
      check(user, value, checks, tags),
    group: (name: string, body: () => unknown) => group(user, name, body),
    fail: (message?: string) => {
      throw new Error(message)
    },
    // The same numbers in each run of this runner, though not those of k6.
    randomSeed: (seed: number) => {
      const random = randomFrom(seed)
      user.random = random.fraction
    },
    sleep: () => refuseSleep(user),
  }
}

type Checks = Readonly<Record<string, unknown>>

function check(
  user: VirtualUser,
  value: unknown,
  checks: Checks,
  tags: Readonly<Record<string, unknown>>,
): boolean {
  if (user.initializing) throw new Error('using check() in the init context is not supported')
  const common = withTags(user, tags)
  let allPassed = true
  for (const [name, condition] of Object.entries(checks)) {
    if (types.isAsyncFunction(condition))
      throw new Error('the built-in check() does not support async functions as arguments')
    const { passed, error } = evaluate(condition, value)
    allPassed &&= passed
    recordCheck(user.test, common['group'] ?? '', name, passed)
    sample(user.test, 'checks', passed ? 1 : 0, { ...common, check: name })
    if (error !== undefined) throw error.thrown
  }
  return allPassed
}

function evaluate(condition: unknown, value: unknown): { passed: boolean; error?: { thrown: unknown } } {
  try {
    return { passed: Boolean(typeof condition === 'function' ? condition(value) : condition) }
  } catch (thrown) {
    return { passed: false, error: { thrown } }
  }
}

function group(user: VirtualUser, name: string, body: () => unknown): unknown {
  if (user.initializing) throw new Error('using group() in the init context is not supported')
  if (types.isAsyncFunction(body)) throw new Error('group() does not support async functions as arguments')
  const outer = user.tags['group'] ?? ''
  const startedAt = performance.now()
  user.tags['group'] = `${outer}::${name}`
  user.test.groups.add(user.tags['group'])
  try {
    return body()
  } finally {
    user.tags['group'] = outer
    sample(user.test, 'group_duration', performance.now() - startedAt, {
      ...user.tags,
      group: `${outer}::${name}`,
    })
  }
}

/** All users share one thread here: a call that blocks one of them would block them all. */
function refuseSleep(user: VirtualUser): never {
  return refuse(user.test, 'sleep()', 'write `await new Promise((done) => setTimeout(done, milliseconds))`')
}
