/**
 * QuickJS tells an embedder of each promise that is rejected without a handler (HostPromiseRejectionTracker), but its build for
 * WebAssembly has no way to ask for it. So its table of functions is exported and gets one more, and the runtime is told its place.
 */
export type Tracker = (promise: number, reason: bigint, isHandled: boolean) => void

const TABLE = 'tracker'

/** The module with its table of functions exported. */
export function withTable(wasm: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [wasm.subarray(0, headerBytes)]
  for (let at = headerBytes; at < wasm.length; ) {
    const id = wasm[at] ?? 0
    const size = readNumber(wasm, at + 1)
    const body = wasm.subarray(size.end, size.end + size.value)
    parts.push(section(id, id === exportsSection ? exporting(body) : body))
    at = size.end + size.value
  }
  return concat(parts)
}

/**
 * Puts the tracker into the runtime. Its place there comes after that of the interrupt handler, which is the one word that `enable`
 * changes; what stands around it is checked, as a version of QuickJS with another layout must not be written into.
 */
export function installTracker(
  instance: WebAssembly.Instance,
  memory: ArrayBufferLike,
  runtime: number,
  enable: () => void,
  tracker: Tracker,
): void {
  const words = new Uint32Array(memory, runtime, runtimeWords)
  const before = words.slice()
  enable()
  const changed = [...words.keys()].filter((at) => words[at] !== before[at])
  const [handler = 0] = changed
  const place = handler + wordsBeforeTracker
  const jobs = place + 2
  if (changed.length !== 1 || words[place] !== 0 || words[jobs] !== runtime + jobs * wordBytes)
    throw new Error('QuickJS has no place for a tracker of rejections where it was')
  const table = instance.exports[TABLE] as WebAssembly.Table
  const free = table.grow(1)
  table.set(free, trampoline(tracker))
  words[place] = free
}

const headerBytes = 8
const wordBytes = 4
const exportsSection = 7
/** A runtime is larger: its interrupt handler stands within so many words. */
const runtimeWords = 128
/** The handler itself, and its argument. */
const wordsBeforeTracker = 2

function exporting(body: Uint8Array): Uint8Array {
  const count = readNumber(body, 0)
  const [kind, index] = [1, 0]
  const entry = Uint8Array.of(TABLE.length, ...new TextEncoder().encode(TABLE), kind, index)
  return concat([number(count.value + 1), body.subarray(count.end), entry])
}

/** A function of JavaScript as one of WebAssembly, which alone may stand in a table: (context, promise, reason, isHandled, opaque). */
function trampoline(tracker: Tracker): unknown {
  const [i32, i64] = [0x7f, 0x7e]
  const module = concat([
    Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0),
    section(1, Uint8Array.of(1, 0x60, 5, i32, i64, i64, i32, i32, 0)),
    section(2, Uint8Array.of(1, 1, 0x68, 1, 0x66, 0, 0)),
    section(7, Uint8Array.of(1, 1, 0x66, 0, 0)),
  ])
  const f = (_context: number, promise: bigint, reason: bigint, isHandled: number) =>
    tracker(Number(BigInt.asUintN(32, promise)), reason, isHandled !== 0)
  return new WebAssembly.Instance(new WebAssembly.Module(module as BufferSource), { h: { f } }).exports['f']
}

function section(id: number, body: Uint8Array): Uint8Array {
  return concat([Uint8Array.of(id), number(body.length), body])
}

/** LEB128. */
function readNumber(bytes: Uint8Array, start: number): { readonly value: number; readonly end: number } {
  let value = 0
  for (let at = start, shift = 0; ; at += 1, shift += 7) {
    const byte = bytes[at] ?? 0
    value += (byte & 0x7f) * 2 ** shift
    if (byte < 0x80) return { value, end: at + 1 }
  }
}

function number(value: number): Uint8Array {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Uint8Array.of(...bytes, rest)
    bytes.push((rest % 128) | 0x80)
  }
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
