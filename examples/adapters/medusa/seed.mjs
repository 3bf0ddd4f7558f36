/** What a new Medusa lacks to sell: a region with a payment provider, and a place where stock lies. Run it once. */
const url = process.env.MEDUSA_URL ?? 'http://127.0.0.1:9000'
const email = process.env.MEDUSA_ADMIN_EMAIL ?? 'admin@example.com'
const password = process.env.MEDUSA_ADMIN_PASSWORD ?? 'supersecret'

const { token } = await send({}, 'POST', '/auth/user/emailpass', { email, password })
const staff = { authorization: `Bearer ${token}` }
await send(staff, 'POST', '/admin/regions', {
  name: 'Europe',
  currency_code: 'eur',
  countries: ['de'],
  payment_providers: ['pp_system_default'],
})
const { sales_channels } = await send(staff, 'GET', '/admin/sales-channels?limit=1')
const { stock_location } = await send(staff, 'POST', '/admin/stock-locations', { name: 'Box office' })
const add = sales_channels.map(({ id }) => id)
await send(staff, 'POST', `/admin/stock-locations/${stock_location.id}/sales-channels`, { add })
console.log('Medusa has a region and a stock location.')

async function send(sender, method, path, body) {
  const headers = { 'content-type': 'application/json', ...sender }
  const response = await fetch(url + path, { method, headers, body: body && JSON.stringify(body) })
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
  return response.json()
}
