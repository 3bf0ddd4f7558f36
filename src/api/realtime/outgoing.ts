import { encodeBinary, encodeJson, frameBinary, frameText, isBinary, type Version } from './frames.ts'

/** A message to many sockets, written once for each version. */
export interface Outgoing {
  /** As it goes over the wire, in its WebSocket frame. */
  framed(version: Version): Buffer
}

export function outgoing(topic: string, event: string, payload: unknown): Outgoing {
  return onceForEach((version) => {
    const binary = version === '2.0.0' && isBinary(payload) ? encodeBinary(topic, payload) : undefined
    if (binary !== undefined) return frameBinary(binary)
    return frameText(encodeJson(topic, event, JSON.stringify(textual(payload)), version))
  })
}

/** The same of a payload that is JSON already. */
export function outgoingJson(topic: string, event: string, payload: string): Outgoing {
  return onceForEach((version) => frameText(encodeJson(topic, event, payload, version)))
}

function onceForEach(write: (version: Version) => Buffer): Outgoing {
  const written = new Map<Version, Buffer>()
  return {
    framed: (version) => {
      const known = written.get(version) ?? write(version)
      written.set(version, known)
      return known
    },
  }
}

/** Clients of the first version have no bytes: they get them in base64. */
function textual(payload: unknown): unknown {
  return isBinary(payload)
    ? { type: 'broadcast', event: payload.event, payload: Buffer.from(payload.bytes).toString('base64') }
    : payload
}
