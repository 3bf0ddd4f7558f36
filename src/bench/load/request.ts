import { randomUUID } from 'node:crypto'

/** Whom a request is for, and who sends it. */
interface Sender {
  /** Of the server. */
  readonly url: string
  readonly path: string
  /** Opens what a buyer's page opens. */
  readonly key?: string
  /** The key where it is left out. */
  readonly token?: string | undefined
  readonly headers?: Readonly<Record<string, string>>
}

/** A whole request of HTTP/1.1. */
export function postOf({ url, path, key, token = key, headers = {} }: Sender, body: unknown): string {
  const text = JSON.stringify(body)
  return [
    `POST ${path} HTTP/1.1`,
    `Host: ${new URL(url).host}`,
    ...(key === undefined ? [] : [`apikey: ${key}`, `Authorization: Bearer ${token}`]),
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(text)}`,
    '',
    text,
  ].join('\r\n')
}

/** Idempotency key: where this stands in a request, each sending has another of the same length. */
export const FRESH_KEY = 'ffffffff-ffff-4fff-bfff-ffffffffffff'

/** The bytes of a request, sending by sending. */
export function sendingsOf(request: string): () => Buffer {
  const bytes = Buffer.from(request)
  const at = bytes.indexOf(FRESH_KEY)
  if (at < 0) return () => bytes
  return () => {
    const own = Buffer.from(bytes)
    own.write(randomUUID(), at)
    return own
  }
}
