import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { mintToken } from '../../src/api/keys.ts'
import { literal } from '../../src/db/call.ts'
import { supabaseSql } from '../../src/db/migrate.ts'
import { openAclOffice, PERSONAS, type Persona } from '../support/acl-office.ts'
import { rowsAs } from '../support/callers.ts'
import { type Regime, supabaseProject } from '../support/supabase.ts'
import { type Ask, ask, JWT_SECRET, serve } from './scratch.ts'

/** y: it is done; 0: there is no such row; -: refused. Of anon, stranger, buyer, door, manager, owner, service, in this order. */
type Signs = string
const NOBODY = '-------'
const kept = (select: Signs): readonly Signs[] => [select, NOBODY, NOBODY, NOBODY]
const STAFF: readonly Signs[] = ['yyyyyyy', '----yyy', '-000yyy', '-000yyy']

/** Who may select, insert, update and delete rows of a house. */
const MATRIX: Readonly<Record<string, readonly Signs[]>> = {
  businesses: ['yyyyyyy', '-yyyyyy', '-000yyy', '-0000yy'],
  business_staff: ['-00yyyy', '-----yy', '-0000yy', '-0000yy'],
  events: STAFF,
  ticket_tiers: STAFF,
  discounts: STAFF,
  slots: STAFF,
  orders: kept('-0y0yyy'),
  order_items: kept('-0y0yyy'),
  ticket_holds: kept('-0y000y'),
  tickets: kept('-0y000y'),
  scan_logs: kept('-00yyyy'),
  offer_claims: kept('-0y0yyy'),
  reservations: kept('-0y0yyy'),
  vip_reservations: kept('-000000'),
  idempotency_keys: kept('------y'),
  webhook_events: kept('------0'),
}
const OPEN: ReadonlySet<string> = new Set([
  'businesses',
  'business_staff',
  'events',
  'ticket_tiers',
  'discounts',
  'slots',
])
const KEYS: Readonly<Record<string, string>> = { idempotency_keys: 'key' }
const ACTIONS = ['select', 'insert', 'update', 'delete'] as const
const METHODS = { select: 'GET', insert: 'POST', update: 'PATCH', delete: 'DELETE' } as const
type Action = (typeof ACTIONS)[number]

for (const regime of ['older', 'newer'] satisfies Regime[]) {
  describe(`who may do what, with the ${regime} default privileges`, async () => {
    const project = await supabaseProject(regime)
    await project.client.query(supabaseSql())
    const { db } = project
    const office = await openAclOffice(db)
    const server = await serve(project.url)
    after(() => server[Symbol.asyncDispose]())
    const headersOf = async (persona: Persona): Promise<Record<string, string>> => {
      const { role, userId } = office.callers[persona]
      if (role === 'anon') return {}
      const token =
        role === 'service_role'
          ? server.authenticator.keys.serviceRole
          : await mintToken(JWT_SECRET, { sub: userId ?? '' })
      return { authorization: `Bearer ${token}` }
    }

    it('every table is decided about', async () => {
      const names = await db.rows<{ name: string }>(
        `select relname::text as name from pg_class where relnamespace = 'public'::regnamespace
           and relkind in ('r', 'p', 'v', 'm', 'f') order by 1`,
      )
      assert.deepEqual(
        names.map(({ name }) => name),
        Object.keys(MATRIX).sort(),
      )
    })

    const targetOf = async (table: string) =>
      OPEN.has(table)
        ? office.fresh(table)
        : { key: KEYS[table] ?? 'id', value: null, column: KEYS[table] ?? 'id' }

    /** As the table's own API answers. */
    const overHttp = async (table: string, action: Action, persona: Persona): Promise<string> => {
      const { key, value, column } = await targetOf(table)
      const headers = { ...(await headersOf(persona)), prefer: 'count=exact' }
      const which = `${key}=${value === null ? 'not.is.null' : `eq.${value}`}`
      const path = action === 'insert' ? table : `${table}?select=${key}&${which}`
      const body = { insert: office.row(table), update: { [column]: office.row(table)[column] ?? null } }[
        action as string
      ]
      const got = await ask(server, `/rest/v1/${path}`, {
        method: METHODS[action],
        headers,
        ...(body === undefined ? {} : { body }),
      } satisfies Ask)
      if (got.status < 300) return got.headers.get('content-range')?.endsWith('/0') === true ? '0' : 'y'
      const { code } = got.json()
      return code === '42501' && got.status === (persona === 'anon' ? 401 : 403)
        ? '-'
        : `${got.status} ${code}`
    }

    /** As a session of that role finds it. */
    const inSql = async (table: string, action: Action, persona: Persona): Promise<string> => {
      const { key, value, column } = await targetOf(table)
      const row = office.row(table)
      const which = value === null ? `${key} is not null` : `${key} = '${value}'`
      const columns = Object.keys(row)
      const sql = {
        select: `select ${key} from public.${table} where ${which} limit 1`,
        insert: `insert into public.${table} ${columns.length === 0 ? 'default values' : `(${columns}) values (${columns.map((name) => literal(String(row[name])))})`} returning 1`,
        update: `update public.${table} set ${column} = ${column} where ${which} returning 1`,
        delete: `delete from public.${table} where ${which} returning 1`,
      }[action]
      try {
        return (await rowsAs(db.client, office.callers[persona], sql)).length === 0 ? '0' : 'y'
      } catch (error) {
        const { code } = error as { code?: string }
        return code === '42501' ? '-' : String(code)
      }
    }

    for (const [table, signs] of Object.entries(MATRIX))
      for (const [i, action] of ACTIONS.entries())
        it(`${action} ${table}: ${signs[i]}, over HTTP and in SQL`, async () => {
          for (const ways of [overHttp, inSql]) {
            const found: string[] = []
            for (const persona of PERSONAS) found.push(await ways(table, action, persona))
            assert.equal(found.join(''), signs[i], ways.name)
          }
        })

    it('a column is read over HTTP by whom its right names, and by nobody else', async () => {
      const columns = await db.rows<{ table: string; name: string; role: string; may: boolean }>(
        `select c.relname::text as table, a.attname::text as name, r.role, has_column_privilege(r.role, c.oid, a.attnum, 'select') as may
         from pg_class c join pg_attribute a on a.attrelid = c.oid, unnest(array['anon', 'buyer', 'service']) persona
         cross join lateral (select case persona when 'buyer' then 'authenticated' when 'service' then 'service_role' else 'anon' end) r(role)
         where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped`,
      )
      assert.ok(columns.filter(({ may }) => !may).length > 100)
      for (const { table, name, role, may } of columns) {
        const persona = role === 'anon' ? 'anon' : role === 'authenticated' ? 'buyer' : 'service'
        const got = await ask(server, `/rest/v1/${table}?select=${name}&limit=1`, {
          headers: await headersOf(persona),
        })
        assert.equal(got.status < 300, may, `${role} ${table}.${name}: ${got.status}`)
      }
    })

    it('nothing of the vault is a table of the API, not for the service either', async () => {
      const names = await db.rows<{ name: string }>(
        `select relname::text as name from pg_class where relnamespace = 'ticketing'::regnamespace and relkind in ('r', 'p', 'v', 'm')`,
      )
      assert.ok(names.length > 15)
      const headers = await headersOf('service')
      for (const { name } of names) {
        const got = await ask(server, `/rest/v1/${name}`, { headers })
        assert.deepEqual([got.status, got.json().code], [404, 'PGRST205'], name)
      }
      const named = await ask(server, '/rest/v1/payments', {
        headers: { ...headers, 'accept-profile': 'ticketing' },
      })
      assert.deepEqual([named.status, named.json().code], [406, 'PGRST106'])
    })
  })
}
