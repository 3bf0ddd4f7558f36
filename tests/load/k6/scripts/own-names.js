import { check as verify } from 'k6'
import crypto from 'k6/crypto'
import encoding from 'k6/encoding'

export const options = { iterations: 1, thresholds: { checks: ['rate==1'] } }

const console = { log: () => 'ours' }

/** A script may call what it imports and declares as it likes. */
export default function () {
  verify(null, {
    'a module hides a global': () => crypto.md5('hello', 'hex') === '5d41402abc4b2a76b9719d911017c592',
    'as a constant does': () => console.log() === 'ours',
    'what it does not name stays': () => globalThis.crypto === undefined || Math.max(1, 2) === 2,
    'base64 is there': () =>
      encoding.b64encode('hi') === 'aGk=' && encoding.b64decode('aGk', 'rawstd', 's') === 'hi',
  })
}
