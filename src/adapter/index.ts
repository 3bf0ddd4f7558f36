/**
 * `admit-once/adapter`: how `admit-once prove --target shop.ts` speaks with a system that is not ours. An adapter is one file of
 * erasable TypeScript that exports `adapter`. These are types only: an adapter needs nothing at run time and is given its `http`,
 * so that a k6 script can import it, too.
 */

/** `Item` names what is for sale, `Cart` is whatever a buyer needs between opening and committing: an id, a token, nothing. */
export interface Adapter<Item = unknown, Cart = unknown> {
  /** Name and version, as the report shows it. */
  readonly name: string
  /** Base URLs of every process of the system: buyers are spread over them. `--url` replaces them. */
  readonly urls: readonly string[]
  /** Does an open cart keep its unit from others? */
  readonly holds: Holds
  /** What a commit means that is sent again. Without it nothing is sent twice, and what that would show is not shown. */
  readonly retry?: Retry
  /** How long until what was answered stands in the rows: 0 to 120 s. 0 where it is left out. */
  readonly settleSeconds?: number
  /** How long one call of a function here may take: 1 to 600 s. 60 where it is left out. */
  readonly callSecondsMax?: number
  /** HTTP requests that one `open`, `commit`, `release`, `cancel` or `pay` makes at most: 1 to 50. 10 where it is left out. */
  readonly requestsPerCall?: number
  /** Shell commands: `kill` ends the system at once, `start` brings it up again. */
  readonly commands?: { readonly kill: string; readonly start: string }
  /** Where the rows are, for five checks that `--database-url` makes possible. */
  readonly invariants?: Invariants

  /** Makes something new to sell, with so many units and not one more. */
  prepare(call: PrepareCall): Promise<Item>
  /** Everything before the last request: what every buyer has done when the rush begins. May say that it is sold out. */
  open(call: BuyerCall<Item>): Promise<Opened<Cart> | Refusal>
  /** The last request, after which the buyer has the unit or has not. */
  commit(call: CartCall<Item, Cart>): Promise<Sold | Refusal>
  /** What the system's own rows say, read when everything is quiet. */
  truth(call: ItemCall<Item>): Promise<Truth>

  /** Gives an open cart up. */
  release?(call: CartCall<Item, Cart>): Promise<void>
  /** Cancels an order, so that its unit is for sale again. */
  cancel?(call: OrderCall<Item, Cart>): Promise<void>
  /** Delivers the payment provider's event about an order: the same event each time that it is called for the same order. */
  pay?(call: OrderCall<Item, Cart>): Promise<void>
  /** Removes what `prepare` and the buyers made. */
  cleanup?(call: ItemCall<Item>): Promise<void>
}

/** `none`: nobody has anything before the commit. `until-paid`: an open cart keeps its unit. A number of minutes: for so long. */
export type Holds = 'none' | 'until-paid' | { readonly minutes: number }

export interface Retry {
  /** The same order again · a refusal, as there is one already · another order. */
  readonly means: 'sameOrder' | 'refused' | 'newOrder'
  /** By what the system knows that it is the same request. */
  readonly key: 'header' | 'cart' | 'email' | 'none'
}

/** What every function is given. */
export interface Call {
  /** Relative to one of `urls`. Cookies are kept for each buyer; redirects are not followed. */
  readonly http: Http
  /** Environment variables, for names and passwords. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** A query on `--database-url`; fails where none was given. */
  readonly sql: <Row extends object>(text: string, values?: readonly unknown[]) => Promise<readonly Row[]>
  /** A shell command's output; fails where it ends with anything but 0. */
  readonly run: (command: string) => Promise<string>
}

export interface PrepareCall extends Call {
  readonly units: number
  /** Nobody else's: for names and addresses that must be unique. */
  readonly name: string
}

export interface ItemCall<Item> extends Call {
  readonly item: Item
}

export interface BuyerCall<Item> extends ItemCall<Item> {
  readonly buyer: Buyer
}

export interface CartCall<Item, Cart> extends BuyerCall<Item> {
  readonly cart: Cart
}

export interface OrderCall<Item, Cart> extends CartCall<Item, Cart> {
  /** As `commit` named it. */
  readonly order: string
}

export interface Buyer {
  /** From 0 on, in one run. */
  readonly index: number
  /** At example.com, and nobody else's. */
  readonly email: string
  /** A UUID of this purchase, for an idempotency key. */
  readonly key: string
}

export interface Opened<Cart> {
  readonly outcome: 'open'
  readonly cart: Cart
}

export interface Sold {
  readonly outcome: 'sold'
  /** The order's id, as `truth` names it. Without it nobody can say whether each buyer's own order is there. */
  readonly order?: string
  readonly answer?: string
}

/**
 * `soldOut`: no unit is left. `busy`: nothing happened, ask again in a moment. `refused`: no, for another reason. `unknown`: it
 * cannot be told from the answer. `answer` is what the report counts, such as `409 OUT_OF_STOCK`; the last status where it is left out.
 */
export interface Refusal {
  readonly outcome: 'soldOut' | 'busy' | 'refused' | 'unknown'
  readonly answer?: string
}

/** Rows, not counters: what is left out is not judged. */
export interface Truth {
  /** Every living order of the item; cancelled and expired ones are not. */
  readonly orders: readonly Order[]
  /** Every payment that stands, also one without an order. */
  readonly payments?: readonly Payment[]
  /** What the system itself believes is left: its counter. */
  readonly left?: number
}

export interface Order {
  readonly id: string
  /** Who bought: the e-mail address where the system has it, else anything that is one buyer's own. */
  readonly buyer?: string
  /** 1 where it is left out. */
  readonly units?: number
  /** Ids or codes of its tickets. */
  readonly tickets?: readonly string[]
  readonly cents?: number
  /** When it was made, in any form that sorts. */
  readonly at?: string
}

export interface Payment {
  readonly id: string
  readonly order?: string
  readonly cents?: number
}

/** Names of tables and columns as SQL writes them. `where` is a condition that picks the item's rows or the living ones. */
export interface Invariants {
  readonly stock: {
    readonly table: string
    readonly id: string
    readonly total: string
    readonly sold?: string
    readonly reserved?: string
    /** A column; else total − sold − reserved. */
    readonly available?: string
    readonly where?: string
  }
  readonly holds?: {
    readonly table: string
    readonly stock: string
    readonly units: string
    readonly where?: string
  }
  readonly tickets?: { readonly table: string; readonly code: string; readonly where?: string }
}

export interface Http {
  get(path: string, options?: HttpOptions): Promise<HttpAnswer>
  /** An object is sent as JSON, URLSearchParams as a form, a string as it is. */
  post(path: string, body?: HttpBody, options?: HttpOptions): Promise<HttpAnswer>
  send(method: string, path: string, body?: HttpBody, options?: HttpOptions): Promise<HttpAnswer>
}

export type HttpBody = object | string | undefined

export interface HttpOptions {
  readonly headers?: Readonly<Record<string, string>>
}

export interface HttpAnswer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  /** Fails, saying what came instead, where the body is no JSON. */
  json<Body>(): Body
}
