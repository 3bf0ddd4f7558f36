import type { VirtualUser } from '../vu.ts'

/** `k6/data`: arrays that are made once and read by every virtual user. */
export function dataModule(user: VirtualUser): object {
  const shared = user.test.sharedArrays
  return {
    SharedArray: class SharedArray {
      constructor(name: string, make: () => unknown) {
        if (!user.initializing) throw new Error('new SharedArray must be called in the init context')
        const known = shared.get(name) ?? freezeCopy(name, make())
        shared.set(name, known)
        // biome-ignore lint/correctness/noConstructorReturn: the shared array itself is what every user must get
        return known
      }
    },
  }
}

function freezeCopy(name: string, made: unknown): readonly unknown[] {
  if (!Array.isArray(made)) throw new TypeError(`the function of SharedArray '${name}' must return an array`)
  return JSON.parse(JSON.stringify(made), (_key, value) => Object.freeze(value))
}
