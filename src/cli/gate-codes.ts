import { createHash, randomBytes } from 'node:crypto'
import type { Client } from 'pg'
import { type CodeSigner, openCodeSigner, publicKeyOf } from '../api/code-signer.ts'
import { qrSpelling } from '../core/code-token.ts'
import { runOnClient } from '../db/pool.ts'
import { LOGIN } from '../desk/callers.ts'
import { REVOKE_BY_HAND, registerCodeKey, revokeCodeKey } from '../desk/keys.ts'
import type { Fixture } from '../proof/fixtures/fixtures.ts'
import type { GateCode } from '../proof/fixtures/gate-codes.ts'
import { CommandError } from './failure.ts'

/** DOOR_CODES: what gates are shown, as JSON, signed by `codes`, by nobody whom the database knows, or by a key that was revoked. */
export async function gateCodeVariables(
  { gateCodes }: Fixture,
  codes: CodeSigner,
  client: Client,
): Promise<Record<string, string>> {
  if (gateCodes.length === 0) return {}
  const forger = openCodeSigner({ seed: randomBytes(32).toString('base64url'), kid: codes.kid, keys: [] })
  const revoked = openCodeSigner({ seed: REVOKED_SEED, kid: await revokedKid(client), keys: [] })
  const shown = ({ kind, scopeId, code, shown: how }: GateCode) => {
    const token = codes.token(kind, scopeId, code)
    switch (how) {
      case 'typed':
        return code
      case 'nonsense':
        return 'https://example.org/menu'
      case 'forged':
        return qrSpelling(forger.token(kind, scopeId, code))
      case 'by a revoked key':
        return qrSpelling(revoked.token(kind, scopeId, code))
      case 'signed':
        return qrSpelling(token)
      case 'in base64url':
        return token
      case 'by an AZERTY keyboard':
        return typed(qrSpelling(token), AZERTY)
      case 'by a QWERTZ keyboard in caps lock':
        return typed(token, QWERTZ_IN_CAPS_LOCK)
      case 'out of an address':
        return `]Q1https://example.org/t?code=${qrSpelling(token)}\u200b\r\n`
      case 'cut':
        return qrSpelling(token).slice(0, -1)
      default:
        return how satisfies never
    }
  }
  const list = gateCodes.map((code) => ({
    what: code.what,
    shown: shown(code),
    bearer: code.bearer,
    eventId: code.gateEventId,
    answers: code.answers,
  }))
  return { DOOR_CODES: JSON.stringify(list) }
}

const US = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz1234567890-_'
/** What a machine of that layout makes of a scanner that types by {@link US}. */
const AZERTY = `QBCDEFGHIJKL?NOPARSTUVZXYWqbcdefghijkl,noparstuvzxyw&é"'(-è_çà)°`
const QWERTZ_IN_CAPS_LOCK = 'abcdefghijklmnopqrstuvwxzyABCDEFGHIJKLMNOPQRSTUVWXZY1234567890ß?'

function typed(text: string, layout: string): string {
  return text.replaceAll(/./g, (letter) => layout[US.indexOf(letter)] ?? letter)
}

/** Of no secret: what it signs admits nowhere, and it takes the same one of 255 numbers each time. */
const REVOKED_SEED = createHash('sha256').update('a key that was stolen').digest('base64url')

async function revokedKid(client: Client): Promise<number> {
  const runner = runOnClient(client)
  const registered = await registerCodeKey(runner, LOGIN, { public_key: publicKeyOf(REVOKED_SEED) })
  if (registered.success) {
    await revokeCodeKey(runner, LOGIN, { kid: registered.kid })
    return registered.kid
  }
  const publicKey = Buffer.from(publicKeyOf(REVOKED_SEED), 'base64url')
  const known = await client.query<{ kid: number | null }>(
    'select kid from ticketing.code_keys where public_key = $1',
    [publicKey],
  )
  const revoked = known.rows[0]?.kid
  if (revoked != null) return revoked
  throw new CommandError(`Every number of a signing key is taken: \`${REVOKE_BY_HAND}\` frees one.`)
}
