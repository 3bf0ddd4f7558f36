import { ask } from './bridge.ts'

/** `k6/data`: an array that is made once; each element is fetched when a user reads it, so that no user holds it all. */
export class SharedArray {
  constructor(name: string, make: () => unknown) {
    const known = ask('shared.length', name) ?? share(name, make())
    // biome-ignore lint/correctness/noConstructorReturn: the shared array itself is what every user must get
    return view(String(name), Number(known)) as never
  }
}

export default { SharedArray }

function share(name: string, made: unknown): unknown {
  if (!Array.isArray(made)) throw new TypeError('only arrays can be made into SharedArray')
  return ask('shared.put', name, made)
}

function view(name: string, length: number): object {
  const refuse = () => {
    throw new TypeError('SharedArray is immutable')
  }
  const target: unknown[] = []
  target.length = length
  return new Proxy(target, {
    get(array, key, receiver) {
      if (typeof key === 'string' && /^\d+$/.test(key))
        return Number(key) < length ? frozen(ask('shared.read', name, Number(key))) : undefined
      return Reflect.get(array, key, receiver)
    },
    has: (array, key) =>
      typeof key === 'string' && /^\d+$/.test(key) ? Number(key) < length : Reflect.has(array, key),
    set: refuse,
    defineProperty: refuse,
    deleteProperty: refuse,
  })
}

function frozen(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  for (const part of Object.values(value)) frozen(part)
  return Object.freeze(value)
}
