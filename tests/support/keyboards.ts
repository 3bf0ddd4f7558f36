/** What the machine shows of what a scanner typed. */
type Keyboard = (text: string) => string

// Written by hand, key by key, not from the product's tables.
const SMALL = 'abcdefghijklmnopqrstuvwxyz'
/** What is typed. */
const SENT = `${SMALL}${SMALL.toUpperCase()}1234567890-_]:/.?=`

/** What appears: by a US scanner on machines of other layouts, and by scanners of other layouts on a US machine. */
const QWERTZ = 'abcdefghijklmnopqrstuvwxzyABCDEFGHIJKLMNOPQRSTUVWXZY1234567890ß?+Ö-._´'
const QWERTZ_SHIFT_LOCK = 'ABCDEFGHIJKLMNOPQRSTUVWXZYabcdefghijklmnopqrstuvwxzy!"§$%&/()=?ß*ö_:-`'
const AZERTY = `qbcdefghijkl,noparstuvzxywQBCDEFGHIJKL?NOPARSTUVZXYW&é"'(-è_çà)°$M!:§=`
const AZERTY_SHIFT_LOCK = 'QBCDEFGHIJKL?NOPARSTUVZXYWqbcdefghijkl,noparstuvzxyw1234567890°)£m§/!+'
const BELGIAN = `qbcdefghijkl,noparstuvzxywQBCDEFGHIJKL?NOPARSTUVZXYW&é"'(§è!çà)°$M=:+-`
const GREEK = 'αβψδεφγηιξκλμνοπ;ρστθωςχυζΑΒΨΔΕΦΓΗΙΞΚΛΜΝΟΠ:ΡΣΤΘΩ΅ΧΥΖ1234567890-_]¨/.?='
const FROM_QWERTZ = 'abcdefghijklmnopqrstuvwxzyABCDEFGHIJKLMNOPQRSTUVWXZY1234567890/?9>&._)'
const FROM_AZERTY = 'qbcdefghijkl;noparstuvzxywQBCDEFGHIJKL:NOPARSTUVZXYW!@#$%^&*()68-.><M='

const by =
  (shown: string): Keyboard =>
  (text) =>
    [...text].map((letter) => [...shown][SENT.indexOf(letter)] ?? letter).join('')

/** Letters in their other case; ß has none. */
const turned = (text: string) =>
  text.replaceAll(/[^ß]/gu, (letter) =>
    letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase(),
  )

const inCapsLock =
  (keyboard: Keyboard): Keyboard =>
  (text) =>
    turned(keyboard(text))

export const KEYBOARDS: Readonly<Record<string, Keyboard>> = {
  'caps lock': turned,
  QWERTZ: by(QWERTZ),
  'QWERTZ in caps lock': inCapsLock(by(QWERTZ)),
  'QWERTZ in shift lock': by(QWERTZ_SHIFT_LOCK),
  AZERTY: by(AZERTY),
  'AZERTY in caps lock': inCapsLock(by(AZERTY)),
  'AZERTY in shift lock': by(AZERTY_SHIFT_LOCK),
  'Belgian AZERTY': by(BELGIAN),
  Greek: by(GREEK),
  'a QWERTZ scanner': by(FROM_QWERTZ),
  'a QWERTZ scanner in caps lock': inCapsLock(by(FROM_QWERTZ)),
  'an AZERTY scanner': by(FROM_AZERTY),
  'an AZERTY scanner in caps lock': inCapsLock(by(FROM_AZERTY)),
}
