import { createHash, randomBytes } from 'node:crypto'
import type { Client } from 'pg'
import { type Codes, openCodes, publicKeyOf } from '../api/codes.ts'
import type { Fixture } from '../proof/fixtures/fixtures.ts'
import type { GateCode } from '../proof/fixtures/gate-codes.ts'
import { CommandError } from './failure.ts'

/** DOOR_CODES: what gates are shown, as JSON, signed by `codes`, by nobody whom the database knows, or by a key that was revoked. */
export async function gateCodeVariables(
  { gateCodes }: Fixture,
  codes: Codes,
  client: Client,
): Promise<Record<string, string>> {
  if (gateCodes.length === 0) return {}
  const forger = openCodes({ seed: randomBytes(32).toString('base64url'), kid: codes.kid, keys: [] })
  const revoked = openCodes({ seed: REVOKED_SEED, kid: await revokedKid(client), keys: [] })
  const shown = ({ kind, scopeId, code, shown: how }: GateCode) => {
    switch (how) {
      case 'typed':
        return code
      case 'nonsense':
        return `https://example.org/${code}`
      case 'forged':
        return forger.token(kind, scopeId, code)
      case 'by a revoked key':
        return revoked.token(kind, scopeId, code)
      case 'signed':
        return codes.token(kind, scopeId, code)
      default:
        return how satisfies never
    }
  }
  const list = gateCodes.map((code) => ({
    what: code.what,
    shown: shown(code),
    bearer: code.bearer,
    answers: code.answers,
  }))
  return { DOOR_CODES: JSON.stringify(list) }
}

/** Of no secret: what it signs admits nowhere, and it takes the same one of 255 numbers each time. */
const REVOKED_SEED = createHash('sha256').update('a key that was stolen').digest('base64url')

async function revokedKid(client: Client): Promise<number> {
  const { rows } = await client.query<{ answer: { readonly kid?: number } }>(
    'select ticketing.register_code_key($1) as answer',
    [publicKeyOf(REVOKED_SEED)],
  )
  const kid = rows[0]?.answer.kid
  if (kid !== undefined) {
    await client.query('select ticketing.revoke_code_key($1)', [kid])
    return kid
  }
  const publicKey = Buffer.from(publicKeyOf(REVOKED_SEED), 'base64url')
  const known = await client.query<{ kid: number | null }>(
    'select kid from ticketing.code_keys where public_key = $1',
    [publicKey],
  )
  const revoked = known.rows[0]?.kid
  if (revoked != null) return revoked
  throw new CommandError(
    'Every number of a signing key is taken: `select ticketing.revoke_code_key(1)` frees one.',
  )
}
