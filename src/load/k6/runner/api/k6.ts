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
  if (user.initializing) throw new Error('Using check() in the init context is not supported')
  const common = withTags(user, tags)
  let allPassed = true
  for (const [name, condition] of Object.entries(checks)) {
    if (types.isAsyncFunction(condition))
      throw new Error('the built-in check() does not support async functions as arguments')
    const { passed, error } = evaluate(condition, value)
    allPassed &&= passed
    countCheck(user, common, name, passed)
    if (error !== undefined) throw error.thrown
  }
  return allPassed
}

/** `tags` are those of the user and of the check. */
export function countCheck(
  user: VirtualUser,
  tags: Readonly<Record<string, string>>,
  name: string,
  passed: boolean,
): void {
  recordCheck(user.test, tags['group'] ?? '', name, passed)
  sample(user.test, 'checks', passed ? 1 : 0, { ...tags, check: name })
}

function evaluate(condition: unknown, value: unknown): { passed: boolean; error?: { thrown: unknown } } {
  try {
    return { passed: Boolean(typeof condition === 'function' ? condition(value) : condition) }
  } catch (thrown) {
    return { passed: false, error: { thrown } }
  }
}

function group(user: VirtualUser, name: string, body: () => unknown): unknown {
  if (types.isAsyncFunction(body)) throw new Error('group() does not support async functions as arguments')
  const leave = enterGroup(user, name)
  try {
    return body()
  } finally {
    leave()
  }
}

/** From now on samples are of this group; what it gives ends that, and measures how long it took. */
export function enterGroup(user: VirtualUser, name: string): () => void {
  if (user.initializing) throw new Error('Using group() in the init context is not supported')
  const outer = user.tags['group'] ?? ''
  const path = `${outer}::${name}`
  const startedAt = performance.now()
  user.tags['group'] = path
  user.test.groups.add(path)
  return () => {
    user.tags['group'] = outer
    sample(user.test, 'group_duration', performance.now() - startedAt, { ...user.tags, group: path })
  }
}

/** A script that names it runs as a guest, where it blocks; this one found another way to it. */
function refuseSleep(user: VirtualUser): never {
  return refuse(user.test, 'sleep() by another name', "write `import { sleep } from 'k6'`")
}
