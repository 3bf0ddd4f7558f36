/** The database decides: a unique key makes one order of one request, and a conditional UPDATE takes the unit or does not. */
import { openShop } from './shop.ts'

await openShop({
  name: 'sound',
  constraints: `create unique index if not exists one_request on orders (item, key);
    create unique index if not exists one_event on payments (event);`,
  sell: async (pool, { item, email, key }) => {
    const client = await pool.connect()
    try {
      await client.query('begin')
      const added = await client.query(
        'insert into orders (item, email, key) values ($1, $2, $3) on conflict do nothing returning id',
        [item, email, key],
      )
      const taken =
        added.rowCount === 1 &&
        (
          await client.query('update items set available = available - 1 where id = $1 and available > 0', [
            item,
          ])
        ).rowCount === 1
      await client.query(taken ? 'commit' : 'rollback')
      if (taken) return added.rows[0].id
      // Sold out, or the same request again.
      const known = await client.query('select id from orders where item = $1 and key = $2', [item, key])
      return known.rows[0]?.id
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
