/**
 * Signed token (Ed25519) of a ticket, a claim or a booking: `A1` and 86 bytes, in base64url or, as QR codes show it, in base32hex
 * (RFC 4648). The bytes are the signing key's number (1), the kind (1), the scope (4), the code (16), and the signature (64) over
 * `A1` and the bytes before it.
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

/** The characters of a token in base64url; none of them is a comma. */
export const TOKEN_LENGTH = 117
/** In base32hex: digits and capitals, which a QR code packs in its alphanumeric mode. */
export const QR_TOKEN_LENGTH = 140

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

/** The same token as QR codes show it. Throws a RangeError for what is no token. */
export function qrSpelling(token: string): string {
  const bytes = bytesOf(token)
  if (bytes === undefined) throw new RangeError('no token')
  return MARK + toBase32(bytes)
}

/** Undefined for what is no token; each of its two spellings is accepted as we write it, base32hex in small letters too. */
export function decodeToken(text: string): DecodedToken | undefined {
  const bytes = bytesOf(text)
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

/** The 86 bytes of a token. */
function bytesOf(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length === TOKEN_LENGTH && text.startsWith(MARK)) return fromBase64Url(text.slice(MARK.length))
  const capitals = text.length === QR_TOKEN_LENGTH ? text.toUpperCase() : ''
  return capitals.startsWith(MARK) ? fromBase32(capitals.slice(MARK.length)) : undefined
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

/** RFC 4648, section 7. It has no W, Y or Z: on a QWERTZ keyboard it types as it is, and on a Greek one each letter is another. */
const BASE32 = '0123456789ABCDEFGHIJKLMNOPQRSTUV'

function toBase32(bytes: Uint8Array): string {
  let text = ''
  let [value, bits] = [0, 0]
  for (const byte of bytes) {
    value = (value << 8) | byte
    for (bits += 8; bits >= 5; bits -= 5) text += BASE32[(value >> (bits - 5)) & 31]
    value &= 31
  }
  return bits === 0 ? text : text + BASE32[(value << (5 - bits)) & 31]
}

/** Undefined too where the bits that are left over are not zero. */
function fromBase32(text: string): Uint8Array<ArrayBuffer> | undefined {
  const bytes: number[] = []
  let [value, bits] = [0, 0]
  for (const letter of text) {
    const five = BASE32.indexOf(letter)
    if (five < 0) return undefined
    value = (value << 5) | five
    bits += 5
    if (bits >= 8) {
      bits -= 8
      bytes.push(value >> bits)
      value &= (1 << bits) - 1
    }
  }
  return value === 0 ? Uint8Array.from(bytes) : undefined
}
