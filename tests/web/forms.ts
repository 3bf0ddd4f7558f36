import { quantityField } from '../../src/api/pages/event-page.ts'
import type { House } from './open-house.ts'

/** A browser without JavaScript at this house: redirects are shown instead of followed. `heldNow`: what carts hold of a tier. */
export function browserAt(house: House) {
  const get = (path: string, headers: Readonly<Record<string, string>> = {}) =>
    fetch(path.startsWith('http') ? path : house.url + path, {
      headers: { accept: 'text/html', ...headers },
      redirect: 'manual',
    })
  const heldNow = (tierId: string) =>
    house.db.value('select reserved_quantity from ticket_tiers where id = $1', [tierId])
  return { get, heldNow }
}

interface Form {
  readonly url: string
  readonly tierId: string
  readonly quantity?: number
  readonly key?: string
  readonly name?: string
  readonly email?: string
  readonly cookie?: string
  readonly shown?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
}

/** Sends an event's form: one ticket for Ada where nothing else is said. */
export const post = ({
  url,
  tierId,
  quantity = 1,
  key = crypto.randomUUID(),
  name = 'Ada',
  email = 'ada@example.org',
  cookie,
  shown = {},
  headers,
}: Form) =>
  fetch(`${url}/checkout`, {
    method: 'POST',
    redirect: 'manual',
    headers: { accept: 'text/html', ...(cookie === undefined ? {} : { cookie }), ...headers },
    body: new URLSearchParams({
      key,
      name,
      email,
      ...shown,
      [quantityField(tierId)]: String(quantity),
    }),
  })

export const locationOf = (response: Response) => response.headers.get('location') ?? ''
/** The prices that a page sends back. */
export const shownIn = (page: string) =>
  Object.fromEntries(
    [...page.matchAll(/name="(shown-[^"]+)" value="([^"]+)"/g)].map(([, name, value]) => [name, value]),
  )
export const keyIn = (page: string) => /name="key" value="([^"]+)"/.exec(page)?.[1]
export const cookieOf = (...responses: readonly Response[]) =>
  responses.map((response) => response.headers.get('set-cookie')?.split(';')[0] ?? '').join('; ')
/** The addresses of the orders that a page leads back to. */
export const waysBack = (page: string) =>
  [...page.matchAll(/class="button" href="(\/orders\/[^"]+)"/g)].map(([, path]) => path)

/** Pays at the stand-in's payment page. */
export const pay = (bought: Response) =>
  fetch(locationOf(bought), {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ card: '4242424242424242' }),
  })
