import assert from 'node:assert/strict'
import { test } from 'node:test'
import { publicKeyOf } from '../../src/api/code-signer.ts'
import { SEED } from '../support/codes.ts'
import { testDatabase } from '../support/database.ts'
import { admitOnce, launch, newHome } from './support.ts'

interface Keys {
  readonly keys: readonly { readonly kid: number; readonly x: string; readonly revoked: boolean }[]
}

test('with another key the same database goes on; a key that was revoked signs nothing any more', async () => {
  const db = await testDatabase()
  const env = { DATABASE_URL: db.url, ADMIT_ONCE_HOME: newHome(), PORT: '0' }
  const [old, next] = [SEED, Buffer.alloc(32, 9).toString('base64url')]
  for (const [seed, kids] of [
    [old, [1]],
    [next, [1, 2]],
  ] as const) {
    const server = launch(['start', '--no-demo'], { ...env, TICKET_SIGNING_KEY: seed })
    const [, url = ''] = await server.printed(/URL +(\S+)/)
    const { keys } = (await (await fetch(`${url}/functions/v1/ticket-keys`)).json()) as Keys
    assert.deepEqual(
      keys.map(({ kid }) => kid),
      kids,
    )
    assert.equal(keys.at(-1)?.x, publicKeyOf(seed))
    assert.ok(!server.output().includes(seed), 'the seed is nobody else’s to see')
    server.signal('SIGTERM')
    assert.equal((await server.ended).code, 0)
  }
  await db.rows('select ticketing.revoke_code_key(1)')
  const selling = launch(['start', '--no-demo'], env)
  const [, url = ''] = await selling.printed(
    /URL +(\S+)[\s\S]*new key signs codes, number 3\. It is in \S+\/ticket-key/,
  )
  await db.rows('select ticketing.revoke_code_key(3)')
  await selling.printed(
    /"level":"error","event":"signing_key_revoked","kid":3,"next":"Set TICKET_SIGNING_KEY to /,
  )
  const health = await fetch(`${url}/functions/v1/health-check`)
  assert.deepEqual(
    [health.status, ((await health.json()) as { code: string }).code],
    [503, 'SIGNING_KEY_REVOKED'],
  )
  selling.signal('SIGTERM')
  assert.equal((await selling.ended).code, 0)
  for (const command of [
    ['start', '--no-demo'],
    ['fixtures', 'scanner-burst'],
  ]) {
    const refused = await admitOnce(command, { ...env, TICKET_SIGNING_KEY: old })
    assert.equal(refused.code, 3)
    assert.match(
      refused.stderr,
      /^The key that signs tickets cannot be used: This key was revoked\. Set TICKET_SIGNING_KEY/,
    )
  }
})
