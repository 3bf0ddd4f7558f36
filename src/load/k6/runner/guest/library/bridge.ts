/** What the engine gives a guest: one function, which returns at once or when the host has its answer. */
type Host = (operation: string, argumentsJson?: string, ...bytes: ArrayBuffer[]) => unknown

const scope = globalThis as unknown as Record<string, unknown>
const host = scope['host'] as Host
Reflect.deleteProperty(scope, 'host')

/** Asks the host, and throws what it refuses. Where the operation takes its time, this user waits, and nobody else. */
export function ask(operation: string, ...values: unknown[]): unknown {
  return opened(host(operation, JSON.stringify(values)))
}

/** The same with values that may be, or at their first level hold, an ArrayBuffer or a view of one. */
export function askWithBytes(operation: string, ...values: unknown[]): unknown {
  const bytes: ArrayBuffer[] = []
  const packed = values.map((value) => pack(value, bytes))
  return opened(host(operation, JSON.stringify(packed), ...bytes))
}

/** Ends the run, with the name of what the built-in runner lacks. */
export function refuse(what: string, instead: string): never {
  ask('refuse', what, instead)
  throw new Error(what)
}

/** As the host can show it: an error with its stack, or whatever else was thrown. */
export function described(thrown: unknown): unknown {
  if (!(thrown instanceof Error)) return typeof thrown === 'object' ? JSON.stringify(thrown) : String(thrown)
  const { name, message, stack } = thrown
  return { name, message, stack }
}

function opened(answer: unknown): unknown {
  if (answer === undefined) return undefined
  const { value, error, bytes } = JSON.parse(String(answer))
  if (error !== undefined) throw Object.assign(new Error(error.message), { name: error.name })
  return bytes === undefined ? value : unpack(value)
}

function pack(value: unknown, bytes: ArrayBuffer[]): unknown {
  if (value instanceof ArrayBuffer) return { $bytes: bytes.push(value) - 1 }
  if (ArrayBuffer.isView(value)) {
    const { buffer, byteOffset, byteLength } = value
    return { $bytes: bytes.push(buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer) - 1 }
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, pack(part, bytes)]))
}

function unpack(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(unpack)
  if (Object.hasOwn(value, '$bytes')) return host('take')
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, unpack(part)]))
}
