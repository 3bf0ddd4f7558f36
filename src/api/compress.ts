import { promisify } from 'node:util'
import { gzip } from 'node:zlib'

/** Characters from which on a body is worth it. */
const LENGTH_MIN = 1024

/** What an answer whose body may be compressed says of itself, compressed or not. */
export interface PackedBody {
  /** As it goes out; undefined: as it was. */
  readonly body: Uint8Array<ArrayBuffer> | undefined
  readonly headers: Readonly<Record<string, string>>
}

/**
 * The body as gzip, made beside the event loop, where it is long enough and the client takes it. Not where a cookie came
 * with the request: what another site makes a browser ask for, so that it sees by the length what was guessed right, brings
 * nothing else of the person's, as all other secrets are in what is asked for.
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
/** Named, and not with a weight of nothing. */
const GZIP = /(?:^|,)\s*gzip\s*(?:;\s*q=(?!0(?:\.0*)?\s*(?:,|$))[^,]*)?(?:,|$)/i
