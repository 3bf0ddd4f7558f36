import type { Test } from '../test.ts'

/** Shared arrays of guests, each element as JSON text: a guest holds the elements that it reads, and no others. */
const sharedOfTest = new WeakMap<Test, Map<string, readonly string[]>>()

export function lengthOfShared(test: Test, name: string): number | undefined {
  return sharedOfTest.get(test)?.get(name)?.length
}

export function putShared(test: Test, name: string, made: readonly unknown[]): number {
  const known = sharedOfTest.get(test) ?? new Map()
  sharedOfTest.set(test, known)
  known.set(
    name,
    made.map((element) => JSON.stringify(element ?? null)),
  )
  return made.length
}

export function readShared(test: Test, name: string, at: number): unknown {
  return JSON.parse(sharedOfTest.get(test)?.get(name)?.[at] ?? 'null')
}
