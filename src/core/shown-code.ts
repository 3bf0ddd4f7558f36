import { type DecodedToken, decodeToken, plainCode, QR_TOKEN_LENGTH, TOKEN_LENGTH } from './code-token.ts'
import { MISTYPINGS } from './keyboards.ts'

/**
 * What was shown to a gate, as far as its form tells: a plain code, about which the database decides; a token, for which its
 * signature must speak; or neither, which was misread or never was a code of ours.
 */
export type ShownCode =
  | { readonly kind: 'plain'; readonly code: string }
  | {
      readonly kind: 'token' | 'unreadable'
      /** As it stands; undefined where it has only the shape of one. */
      readonly token: DecodedToken | undefined
      /** What a keyboard may have made this of, at most `MISTYPED_MAX`: true only where a signature says so. */
      readonly mistyped: () => readonly DecodedToken[]
    }

/** Bounded tries: each costs whoever reads it a signature. */
export const MISTYPED_MAX = 4

/** Bounded work: an address with a code in it is shorter, and what is longer is not looked at. */
export const SHOWN_LENGTH_MAX = 2000

/**
 * Reads what a scanner, a keyboard or a hand made of a code: without what cannot be seen (spaces, line ends, NUL, BOM, marks of zero
 * width or direction), without a scanner's AIM identifier (`]Q1`), out of a URL or between other signs, in any case that
 * its spelling allows. Two codes in one text are none: nobody knows which was meant. The work is linear in the text, of
 * {@link SHOWN_LENGTH_MAX} characters at most: anybody may send one.
 */
export function readShown(shown: string): ShownCode {
  if (shown.length > SHOWN_LENGTH_MAX) return { kind: 'unreadable', token: undefined, mistyped: () => [] }
  const text = visible(shown)
  const code = plainCode(text)
  if (code !== undefined) return { kind: 'plain', code }
  const shaped = theOnly(codesIn(text))
  const plain = shaped ?? theOnly(mistypedPlain(text).filter(isPlain).map(lowered))
  if (plain !== undefined && isPlain(plain) && standsAlone(text, plain)) return { kind: 'plain', code: plain }
  const isToken = shaped !== undefined && isShaped(shaped) && standsAlone(text, shaped)
  const token = isToken ? decodeToken(shaped) : undefined
  return {
    kind: isToken ? 'token' : 'unreadable',
    token,
    mistyped: () => mistypedTokens(text, token),
  }
}

/** What may be a code in a text, as its own kind spells it: two of them are none. */
function codesIn(text: string): string[] {
  return segmentsOf(text).flatMap((it) => (isLong(it) ? capitals(it) : isPlain(it) ? lowered(it) : []))
}

function standsAlone(text: string, code: string): boolean {
  return holdsNoToken(percentDecoded(text).replaceAll(new RegExp(code, 'gi'), ' '))
}

/** Whether what stands beside a code is no token either that a keyboard broke up, whichever it was. */
function holdsNoToken(rest: string): boolean {
  return (
    rest.length < TOKEN_LENGTH ||
    !MISTYPINGS.some((meantBy) => segmentsOf(meant(rest, meantBy)).some(endsInToken))
  )
}

const endsInToken = (run: string) => /A1/i.test(run.slice(0, Math.max(0, run.length - TOKEN_LENGTH + 2)))

/**
 * Without what nobody sees, and letters of full width as the others. No key types more than two marks on a letter; composing (NFC)
 * takes time quadratic in their number, since it sorts them.
 */
function visible(text: string): string {
  return text
    .replaceAll(/[\s\p{C}\p{Default_Ignorable_Code_Point}]/gu, '')
    .replaceAll(/(?<=\p{M}{2})\p{M}+/gu, '')
    .normalize('NFC')
    .replaceAll(/[\uff01-\uff5e]/g, (wide) => String.fromCharCode(wide.charCodeAt(0) - 0xfee0))
}

const AIM = /^\][A-Za-z][\dA-Za-z]/

function segmentsOf(text: string): string[] {
  return percentDecoded(text.replace(AIM, '')).match(/[\w-]{32,}/g) ?? []
}

function percentDecoded(text: string): string {
  return text.replaceAll(/%([2-7][\da-f])/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
}

function theOnly(values: readonly string[]): string | undefined {
  return new Set(values).size === 1 ? values[0] : undefined
}

/** Long enough to be a code, or one that is glued to something. */
const isLong = (segment: string) => segment.length >= TOKEN_LENGTH

/** Base64url in one case only was made so by a scanner's setting: what it was nobody knows. */
function isShaped(segment: string): boolean {
  if (segment.length === QR_TOKEN_LENGTH) return /^A1[\dA-V]+$/.test(segment)
  return (
    segment.length === TOKEN_LENGTH &&
    segment.startsWith('A1') &&
    /[a-z]/.test(segment) &&
    /[A-Z]/.test(segment.slice(2))
  )
}

const capitals = (segment: string) => (segment.length === QR_TOKEN_LENGTH ? segment.toUpperCase() : segment)
const isPlain = (segment: string) => /^[\da-f]{32}$/i.test(segment)
const lowered = (code: string) => code.toLowerCase()

/** Codes that end the text, as they stand there if one of the mistypings was at work; `asItStands` is none. */
function mistypedTokens(text: string, asItStands: DecodedToken | undefined): readonly DecodedToken[] {
  const found = new Map<string, DecodedToken>()
  const ends = [QR_TOKEN_LENGTH, TOKEN_LENGTH].map((length) => endOf(text, length))
  for (const meantBy of MISTYPINGS) {
    for (const end of ends) {
      const token = mistypedToken(end, meantBy)
      if (token !== undefined && keyOf(token) !== keyOf(asItStands)) found.set(keyOf(token), token)
      if (found.size === MISTYPED_MAX) return [...found.values()]
    }
  }
  return [...found.values()]
}

const keyOf = (token: DecodedToken | undefined) => [token?.signed, token?.signature].join()

/** The last letters of a text, as many as a code has, and what stands before them. */
interface End {
  readonly head: string
  readonly tail: string
  readonly length: number
  /** Whether there is no other code in the head, read as it stands and by each keyboard: once for all of these. */
  readonly isOnly: () => boolean
}

function endOf(text: string, length: number): End {
  const head = text.slice(0, -length)
  let only: boolean | undefined
  const isOnly = () => {
    only ??= codesIn(head).length === 0 && holdsNoToken(head)
    return only
  }
  return { head, tail: text.slice(-length), length, isOnly }
}

function mistypedToken(end: End, meantBy: ReadonlyMap<string, string>): DecodedToken | undefined {
  const { head, tail, length, isOnly } = end
  // Most texts are done with here.
  if (tail.length !== length || !/^A1$/i.test(meant(tail.slice(0, 2), meantBy))) return undefined
  const token = decodeToken(meant(tail, meantBy))
  return token !== undefined && standsApart(head, meantBy) && isOnly() ? token : undefined
}

/** Whether the one code of a text may begin after this: two that were glued together are none. Of `]Q1` the bracket, which takes
 * a third key on many keyboards, may be anything. */
function standsApart(head: string, meantBy: ReadonlyMap<string, string>): boolean {
  return (
    /^$|^.?[A-Za-z]\d$|[^\w-]$/.test(meant(head.slice(-4), meantBy)) &&
    codesIn(meant(head, meantBy)).length === 0
  )
}

function mistypedPlain(text: string): string[] {
  return text.length === 32 ? MISTYPINGS.map((meantBy) => meant(text, meantBy)) : []
}

/** What the scanner meant; what no key types stays as it is. */
function meant(text: string, meantBy: ReadonlyMap<string, string>): string {
  return [...text].map((letter) => meantBy.get(letter) ?? letter).join('')
}
