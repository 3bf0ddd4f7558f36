/**
 * Signed token (Ed25519) in the QR code of a ticket, a claim or a booking: `A1` and 86 bytes in base64url. The bytes are the
 * signing key's number (1), the kind (1), the scope (4), the code (16), and the signature (64) over `A1` and the bytes before it.
 */
export interface Code {
  /** Which key signed it, 1 to 255. */
  readonly kid: number
  readonly kind: CodeKind
  /** The first 4 bytes, as 8 hex digits, of the SHA-256 of the id of what it is for: an event, an offer, or a business. */
  readonly scope: string
  /** 32 hex digits, unguessable. */
  readonly code: string
}

export type CodeKind = keyof typeof KINDS

/** A token as it stands, its signature not yet verified. */
export interface DecodedToken extends Code {
  /** What was signed: {@link SIGNED_BYTES} bytes. */
  readonly signed: Uint8Array<ArrayBuffer>
  readonly signature: Uint8Array<ArrayBuffer>
}

/** The characters of a token; none of them is a comma. */
export const TOKEN_LENGTH = 117

/** What is signed of a code. Throws a RangeError for what no token can say. */
export function signedBytes({ kid, kind, scope, code }: Code): Uint8Array<ArrayBuffer> {
  if (!Number.isInteger(kid) || kid < 1 || kid > 255) throw new RangeError(`no key's number: ${kid}`)
  if (!SCOPE.test(scope) || !CODE.test(code)) throw new RangeError('a scope has 8 hex digits, a code 32')
  return Uint8Array.from([...MARK_BYTES, kid, KINDS[kind], ...fromHex(scope), ...fromHex(code)])
}

/** The token of what was signed and its signature. */
export function encodeToken(signed: Uint8Array, signature: Uint8Array): string {
  return MARK + toBase64Url([...signed.subarray(MARK.length), ...signature])
}

/** Undefined for what is no token; of the many spellings of the same bytes one is accepted, ours. */
export function decodeToken(text: string): DecodedToken | undefined {
  if (text.length !== TOKEN_LENGTH || !text.startsWith(MARK)) return undefined
  const bytes = fromBase64Url(text.slice(MARK.length))
  const kind = KIND_NAMES.find((name) => KINDS[name] === bytes?.[1])
  const kid = bytes?.[0]
  if (bytes === undefined || kind === undefined || !kid) return undefined
  return {
    kid,
    kind,
    scope: toHex(bytes.subarray(2, 6)),
    code: toHex(bytes.subarray(6, 22)),
    signed: Uint8Array.from([...MARK_BYTES, ...bytes.subarray(0, 22)]),
    signature: bytes.slice(22),
  }
}

/** The code in what was typed or read without a signature: 32 hex digits, with spaces as on paper, or dashes. */
export function plainCode(text: string): string | undefined {
  const code = text.replaceAll(/[\s\p{Dash_Punctuation}]/gu, '').toLowerCase()
  return CODE.test(code) ? code : undefined
}

const MARK = 'A1'
const MARK_BYTES = [0x41, 0x31]
const KINDS = { ticket: 1, claim: 2, booking: 3 } as const
const KIND_NAMES = Object.keys(KINDS) as CodeKind[]
const SCOPE = /^[\da-f]{8}$/
const CODE = /^[\da-f]{32}$/

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function fromHex(text: string): number[] {
  return (text.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16))
}

function toBase64Url(bytes: readonly number[]): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}

function fromBase64Url(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[\w-]+$/.test(text)) return undefined
  const bytes = Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0))
  return toBase64Url([...bytes]) === text ? bytes : undefined
}
