/** Phoenix channels' serializer version: objects, or arrays and binary broadcasts. */
export type Version = '1.0.0' | '2.0.0'

/** One message of the Phoenix protocol. */
export interface Frame {
  readonly joinRef: string | null
  readonly ref: string | null
  readonly topic: string
  readonly event: string
  readonly payload: unknown
}

/** A broadcast whose payload is bytes. */
export interface BinaryPayload {
  readonly event: string
  readonly bytes: Uint8Array
}

const PUSH = 3
const BROADCAST = 4
const JSON_ENCODING = 1
const PUSH_HEADER = 7
const BROADCAST_HEADER = 5
const LENGTH_MAX = 255
const utf8 = new TextDecoder('utf-8', { fatal: true })

/** The frame that a client sent; undefined where it is none. */
export function decodeText(text: string, version: Version): Frame | undefined {
  const value = parse(text)
  if (version === '2.0.0') {
    if (!Array.isArray(value) || value.length !== 5) return undefined
    const [joinRef, ref, topic, event, payload] = value as unknown[]
    return frameOf({ joinRef, ref, topic, event, payload })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const { join_ref: joinRef, ref, topic, event, payload } = value as Record<string, unknown>
  return frameOf({ joinRef, ref, topic, event, payload })
}

function frameOf({ joinRef, ref, topic, event, payload }: Record<keyof Frame, unknown>): Frame | undefined {
  if (typeof topic !== 'string' || typeof event !== 'string') return undefined
  return { joinRef: refOf(joinRef), ref: refOf(ref), topic, event, payload: payload ?? {} }
}

function refOf(value: unknown): string | null {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : null
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** A client's binary push (kind 3): always a broadcast. Lengths count bytes. */
export function decodeBinary(bytes: Uint8Array): Frame | undefined {
  if (bytes.length < PUSH_HEADER || bytes[0] !== PUSH) return undefined
  const lengths = [...bytes.subarray(1, 6)]
  let at = PUSH_HEADER
  const parts = lengths.map((length) => {
    const part = bytes.subarray(at, at + length)
    at += length
    return part
  })
  if (at > bytes.length) return undefined
  try {
    const [joinRef = '', ref = '', topic = '', event = ''] = parts.map((part) => utf8.decode(part))
    const body = bytes.subarray(at)
    const isJson = bytes[6] === JSON_ENCODING
    const payload = isJson ? JSON.parse(utf8.decode(body)) : ({ event, bytes: body } satisfies BinaryPayload)
    return {
      joinRef: joinRef === '' ? null : joinRef,
      ref: ref === '' ? null : ref,
      topic,
      event: 'broadcast',
      payload: isJson ? { type: 'broadcast', event, payload } : payload,
    }
  } catch {
    return undefined
  }
}

export function encodeText({ joinRef, ref, topic, event, payload }: Frame, version: Version): string {
  return version === '2.0.0'
    ? JSON.stringify([joinRef, ref, topic, event, payload])
    : JSON.stringify({ topic, event, payload, ref, join_ref: joinRef })
}

/** A message to a topic, of a payload that is JSON already. */
export function encodeJson(topic: string, event: string, payload: string, version: Version): string {
  const [to, what] = [JSON.stringify(topic), JSON.stringify(event)]
  return version === '2.0.0'
    ? `[null,null,${to},${what},${payload}]`
    : `{"topic":${to},"event":${what},"payload":${payload},"ref":null,"join_ref":null}`
}

/** A server's binary broadcast (kind 4); undefined where a name is too long for it. */
export function encodeBinary(topic: string, { event, bytes }: BinaryPayload): Uint8Array | undefined {
  const [topicBytes, eventBytes] = [Buffer.from(topic), Buffer.from(event)]
  if (topicBytes.length > LENGTH_MAX || eventBytes.length > LENGTH_MAX) return undefined
  const header = Buffer.alloc(BROADCAST_HEADER)
  header.set([BROADCAST, topicBytes.length, eventBytes.length, 0, 0])
  return Buffer.concat([header, topicBytes, eventBytes, bytes])
}

export function isBinary(payload: unknown): payload is BinaryPayload {
  return (
    typeof payload === 'object' &&
    payload !== null &&
    'bytes' in payload &&
    payload.bytes instanceof Uint8Array
  )
}

const FINAL = 0x80
const TEXT = 1
const BINARY = 2
const LENGTH_16 = 126
const LENGTH_64 = 127

export function frameText(text: string): Buffer {
  return frame(TEXT, Buffer.from(text))
}

export function frameBinary(bytes: Uint8Array): Buffer {
  return frame(BINARY, bytes)
}

/** RFC 6455, 5.2: a server's frame is not masked, so that it is the same for every socket. */
function frame(opcode: number, payload: Uint8Array): Buffer {
  const { length } = payload
  const headerLength = length < LENGTH_16 ? 2 : length <= 0xffff ? 4 : 10
  const framed = Buffer.allocUnsafe(headerLength + length)
  framed[0] = FINAL | opcode
  framed[1] = headerLength === 2 ? length : headerLength === 4 ? LENGTH_16 : LENGTH_64
  if (headerLength === 4) framed.writeUInt16BE(length, 2)
  if (headerLength === 10) framed.writeBigUInt64BE(BigInt(length), 2)
  framed.set(payload, headerLength)
  return framed
}
