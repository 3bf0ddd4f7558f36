import { promisify } from 'node:util'
import { gzip } from 'node:zlib'

/** The shortest body, in characters, that is worth compressing. */
const LENGTH_MIN = 1024

/** What an answer whose body may be compressed says of itself, compressed or not. */
export interface PackedBody {
  /** As it goes out; undefined: as it was. */
  readonly body: Uint8Array<ArrayBuffer> | undefined
  readonly headers: Readonly<Record<string, string>>
}

/**
 * The body as gzip, compressed off the event loop, where it is long enough and the client accepts it. Never for a request
 * with a cookie (BREACH): another site could make a browser send guesses and learn from the answer's length which was right. All
 * other secrets are in the request's own address or headers, which that site does not know.
 */
export async function pack(request: Request, body: string | null): Promise<PackedBody> {
  if (body === null || body.length < LENGTH_MIN) return { body: undefined, headers: {} }
  const { headers } = request
  if (!GZIP.test(headers.get('accept-encoding') ?? '') || headers.has('cookie')) {
    return { body: undefined, headers: VARY }
  }
  const packed = new Uint8Array(await zip(body))
  return { body: packed, headers: { ...VARY, 'Content-Encoding': 'gzip' } }
}

const zip = promisify(gzip)
const VARY = { Vary: 'Accept-Encoding, Cookie' }
/** `gzip` among the accepted encodings, not with q=0. */
const GZIP = /(?:^|,)\s*gzip\s*(?:;\s*q=(?!0(?:\.0*)?\s*(?:,|$))[^,]*)?(?:,|$)/i
