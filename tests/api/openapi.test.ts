import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { functions } from '../../src/api/functions/index.ts'
import { openapiTask } from '../../src/api/openapi.ts'
import { ask } from './scratch.ts'
import { openShop } from './shop.ts'

const shop = await openShop({}, { openapi: openapiTask() })
const { server, db } = shop

interface Swagger {
  readonly swagger: string
  readonly host: string
  readonly schemes: readonly string[]
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, { readonly parameters?: readonly object[] }>>>
  >
  readonly definitions: Readonly<
    Record<
      string,
      { readonly required: readonly string[]; readonly properties: Readonly<Record<string, Property>> }
    >
  >
  readonly parameters: Readonly<Record<string, object>>
}

/** As far as the tests look into it. */
interface Document {
  readonly openapi: string
  readonly paths: Readonly<
    Record<
      string,
      {
        readonly post?: {
          readonly requestBody: {
            readonly content: Readonly<Record<string, { readonly schema: { readonly properties?: object } }>>
          }
        }
      }
    >
  >
}

const documentOf = ({ text }: { readonly text: string }) => JSON.parse(text) as Document

interface Property {
  readonly type?: string
  readonly format: string
  readonly default?: unknown
  readonly description?: string
  readonly items?: object
}

describe('the OpenAPI document', () => {
  it('is served to anybody, whole or as unchanged', async () => {
    const first = await ask(server, '/openapi.json', { headers: { apikey: '' } })
    assert.equal(first.status, 200)
    const { openapi, paths } = documentOf(first)
    assert.equal(openapi, '3.1.1')
    for (const name of functions.keys()) assert.ok(paths[`/functions/v1/${name}`], name)
    const tag = first.headers.get('etag') ?? ''
    const again = await ask(server, '/openapi.json', { headers: { 'if-none-match': tag } })
    assert.deepEqual([again.status, again.text], [304, ''])
    const posted = await ask(server, '/openapi.json', { method: 'DELETE' })
    assert.deepEqual([posted.status, posted.headers.get('allow')], [405, 'GET, HEAD'])
  })

  it('has every verb that a caller may call, with the parameters that SQL has', async () => {
    const { paths } = documentOf(await ask(server, '/openapi.json'))
    const { rows } = await db.client.query(
      `select p.proname as name, p.proargnames[:p.pronargs] as names from pg_proc p
       where p.pronamespace = 'public'::regnamespace and p.prosrc like '%ticketing.' || p.proname || '(%' order by 1`,
    )
    const told = Object.keys(paths).filter((path) => path.startsWith('/rest/v1/rpc/'))
    assert.deepEqual(
      told.map((path) => path.slice('/rest/v1/rpc/'.length)).sort(),
      rows.map(({ name }) => name),
    )
    for (const { name, names } of rows) {
      const { properties = {} } =
        paths[`/rest/v1/rpc/${name}`]?.post?.requestBody.content['application/json']?.schema ?? {}
      assert.deepEqual(Object.keys(properties).sort(), [...(names ?? [])].sort(), name)
    }
  })
})

describe("PostgREST's description of the schema", () => {
  const described = async (headers: Record<string, string> = {}) => {
    const answer = await ask(server, '/rest/v1/', { headers })
    assert.equal(answer.status, 200, answer.text)
    assert.equal(answer.headers.get('content-type'), 'application/openapi+json; charset=utf-8')
    return JSON.parse(answer.text) as Swagger
  }

  it('tells of tables, columns, keys and functions', async () => {
    const { swagger, host, schemes, paths, definitions, parameters } = await described()
    assert.deepEqual([swagger, host, schemes], ['2.0', new URL(server.url).host, ['http']])
    const { ticket_tiers: tier, events: event } = definitions
    assert.ok(tier && event)
    assert.deepEqual(tier.properties['id']?.description, 'Note:\nThis is a Primary Key.<pk/>')
    assert.match(event.properties['business_id']?.description ?? '', /<fk table='businesses' column='id'\/>$/)
    assert.deepEqual(
      [tier.properties['total_quantity']?.type, tier.properties['total_quantity']?.format],
      ['integer', 'integer'],
    )
    assert.ok(tier.required.includes('name'))
    const named = (op: string) => paths['/ticket_tiers']?.[op]?.parameters ?? []
    assert.ok(
      named('get').some((it) => '$ref' in it && it.$ref === '#/parameters/rowFilter.ticket_tiers.name'),
    )
    // Every reference leads somewhere.
    for (const [, at = '', name = ''] of JSON.stringify({ paths, parameters }).matchAll(
      /"#\/(parameters|definitions)\/([^"]+)"/g,
    )) {
      assert.ok(at === 'parameters' ? name in parameters : name in definitions, name)
    }
    assert.deepEqual(Object.keys(paths['/rpc/reserve_tickets_batch'] ?? {}), ['post'])
  })

  it('tells each role only of what it may use, and follows a change of rights', async () => {
    const anon = await described()
    const service = await described({
      authorization: `Bearer ${server.authenticator.keys.serviceRole}`,
    })
    assert.ok(!('/rpc/expire_ticket_holds' in anon.paths))
    assert.ok('/rpc/expire_ticket_holds' in service.paths)
    await db.client.query(
      'create table public.told (id int primary key, note text[] default null, n int default 7)',
    )
    assert.ok(!('/told' in (await described()).paths))
    await db.client.query('grant select on public.told to anon')
    // The schema is not read again at once.
    await setTimeout(300)
    const { told } = (await described()).definitions
    assert.deepEqual(told?.properties['note'], {
      type: 'array',
      items: { type: 'string' },
      format: 'text[]',
    })
    assert.equal(told?.properties['n']?.default, 7)
    await db.client.query('drop table public.told')
  })

  const cases: readonly (readonly [what: string, ask: object, status: number, code?: string])[] = [
    ['JSON', { headers: { accept: 'application/json' } }, 200],
    ['its own type', { headers: { accept: 'application/openapi+json' } }, 200],
    ['CSV', { headers: { accept: 'text/csv' } }, 406, 'PGRST107'],
    ['another schema', { headers: { 'accept-profile': 'ticketing' } }, 406, 'PGRST106'],
    ['a write', { body: {} }, 405, 'PGRST117'],
    ['no key', { headers: { apikey: '' } }, 401],
  ]
  for (const [what, options, status, code] of cases) {
    it(`answers ${what} with ${status} ${code ?? ''}`, async () => {
      const answer = await ask(server, '/rest/v1/', options)
      assert.equal(answer.status, status, answer.text)
      if (code !== undefined) assert.equal(answer.json().code, code)
    })
  }

  it('gives HEAD the same head and no body', async () => {
    const head = await ask(server, '/rest/v1/', { method: 'HEAD' })
    assert.deepEqual([head.status, head.text], [200, ''])
  })
})
