/**
 * Looks under a lock, and works after it: the lock is the transaction's, and the work is in the next one. Whoever waited for the lock
 * gets it before the other's order is there.
 */
import { openShop } from './shop.ts'

await openShop({
  name: 'advisory_lock',
  constraints: 'create unique index if not exists one_event on payments (event);',
  sell: async (pool, { item, email, key }) => {
    const client = await pool.connect()
    try {
      await client.query('begin')
      await client.query('select pg_advisory_xact_lock(hashtext($1))', [item])
      const known = await client.query('select id from orders where item = $1 and key = $2', [item, key])
      const { rows } = await client.query('select available from items where id = $1', [item])
      await client.query('commit')
      if (known.rowCount === 1) return known.rows[0].id
      if (rows[0].available <= 0) return undefined
      await client.query('begin')
      const added = await client.query(
        'insert into orders (item, email, key) values ($1, $2, $3) returning id',
        [item, email, key],
      )
      await client.query('update items set available = available - 1 where id = $1', [item])
      await client.query('commit')
      return added.rows[0].id
    } finally {
      client.release()
    }
  },
  notePayment: async (pool, order, event) => {
    await pool.query('insert into payments (order_id, event) values ($1, $2) on conflict do nothing', [
      order,
      event,
    ])
  },
})
