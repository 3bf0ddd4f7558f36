/** Counts, then inserts: between both, anybody else may have counted too. */
import { openShop } from './shop.ts'

await openShop({
  name: 'naive',
  constraints: '',
  sell: async (pool, { item, email, key }) => {
    const known = await pool.query('select id from orders where item = $1 and key = $2', [item, key])
    if (known.rowCount === 1) return known.rows[0].id
    const { rows } = await pool.query(
      `select units - (select count(*)::int from orders where item = items.id and not cancelled) as available
       from items where id = $1`,
      [item],
    )
    const available: number = rows[0].available
    if (available <= 0) return undefined
    const added = await pool.query('insert into orders (item, email, key) values ($1, $2, $3) returning id', [
      item,
      email,
      key,
    ])
    await pool.query('update items set available = $2 where id = $1', [item, available - 1])
    return added.rows[0].id
  },
  notePayment: async (pool, order, event) => {
    const known = await pool.query('select from payments where event = $1', [event])
    if (known.rowCount === 0)
      await pool.query('insert into payments (order_id, event) values ($1, $2)', [order, event])
  },
})
