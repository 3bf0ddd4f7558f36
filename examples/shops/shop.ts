/**
 * A shop as thousands are written: a table of items, a table of orders, a few routes on node:http. How it sells is the argument, and
 * the only thing in which naive.ts, advisory-lock.ts and sound.ts differ.
 */
import { createServer, type IncomingMessage } from 'node:http'
import { env } from 'node:process'
import { text } from 'node:stream/consumers'
import pg from 'pg'

/** What the buyer wants. `key` is the same where the same request is sent again. */
export interface Wish {
  readonly item: string
  readonly email: string
  readonly key: string
}

export interface Selling {
  /** The shop's tables are in a schema of this name. */
  readonly name: string
  /** Beside the columns: what else the database is to refuse. */
  readonly constraints: string
  /** The order's id; undefined where it is sold out. */
  readonly sell: (pool: pg.Pool, wish: Wish) => Promise<string | undefined>
  /** The provider says that an order is paid, maybe more than once. */
  readonly notePayment: (pool: pg.Pool, order: string, event: string) => Promise<void>
}

/** Listens on PORT (0: any free one), with its tables at DATABASE_URL. */
export async function openShop(selling: Selling): Promise<void> {
  const schema = `shop_${selling.name}`
  const pool = new pg.Pool({
    connectionString: env['DATABASE_URL'],
    options: `-c search_path=${schema}`,
    max: 20,
  })
  // A connection that breaks while nobody uses it.
  pool.on('error', (error) => console.error(error.message))
  await pool.query(`create schema if not exists ${schema};
    create table if not exists items (id text primary key default gen_random_uuid(), units int not null, available int not null);
    create table if not exists orders (id text primary key default gen_random_uuid(), item text not null references items on delete cascade,
      email text not null, key text not null, cancelled boolean not null default false, at timestamptz not null default clock_timestamp());
    create table if not exists payments (id text primary key default gen_random_uuid(),
      order_id text not null references orders on delete cascade, event text not null);
    ${selling.constraints}`)
  const server = createServer((request, response) => {
    void answer(pool, selling, request)
      .catch((error: Error) => [500, { error: error.message }] as const)
      .then(([status, body]) => {
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
      })
  })
  server.listen(Number(env['PORT'] ?? 0), '127.0.0.1', () => {
    const address = server.address()
    if (typeof address === 'object')
      console.log(`the ${selling.name} shop is open at http://127.0.0.1:${address?.port}`)
  })
}

type Answer = readonly [status: number, body: unknown]

async function answer(pool: pg.Pool, selling: Selling, request: IncomingMessage): Promise<Answer> {
  const body = await bodyOf(request)
  const [, table, id = '', what] = (request.url ?? '').split('/')
  const route = [request.method, table, ...(id === '' ? [] : [':id']), ...(what === undefined ? [] : [what])]
  switch (route.join(' ')) {
    case 'POST items': {
      const added = await pool.query('insert into items (units, available) values ($1, $1) returning id', [
        body['units'],
      ])
      return [201, added.rows[0]]
    }
    case 'GET items :id':
      return [200, await itemOf(pool, id)]
    case 'DELETE items :id':
      await pool.query('delete from items where id = $1', [id])
      return [200, {}]
    case 'POST items :id orders': {
      const key = String(request.headers['idempotency-key'] ?? crypto.randomUUID())
      const order = await selling.sell(pool, { item: id, email: String(body['email']), key })
      return order === undefined ? [409, { error: 'SOLD_OUT' }] : [201, { order }]
    }
    case 'POST orders :id cancel':
      await pool.query(
        `with gone as (update orders set cancelled = true where id = $1 and not cancelled returning item)
         update items set available = available + 1 from gone where items.id = gone.item`,
        [id],
      )
      return [200, {}]
    case 'POST orders :id payment':
      await selling.notePayment(pool, id, String(body['event']))
      return [200, {}]
    default:
      return [404, { error: 'NOT_FOUND' }]
  }
}

/** What the manager sees: the counter, and every living order with its payments. */
async function itemOf(pool: pg.Pool, id: string): Promise<unknown> {
  const { rows: orders } = await pool.query(
    'select id, email, at from orders where item = $1 and not cancelled order by at',
    [id],
  )
  const { rows: payments } = await pool.query(
    'select p.id, p.order_id as order from payments p join orders o on o.id = p.order_id where o.item = $1',
    [id],
  )
  const { rows } = await pool.query('select available from items where id = $1', [id])
  return { ...rows[0], orders, payments }
}

async function bodyOf(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  const body = await text(request)
  return body === '' ? {} : JSON.parse(body)
}
