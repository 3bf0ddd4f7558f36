import { checkCharge, currencyOf } from './currencies.ts'
import { newId } from './ids.ts'
import {
  email,
  fields,
  integer,
  listOf,
  metadata,
  noSuch,
  off,
  oneOf,
  optional,
  type Read,
  type Reader,
  text,
  url,
} from './parameters.ts'
import { invalidRequest } from './refusal.ts'
import type { NewSession } from './sessions.ts'
import type { Line } from './state.ts'

const LINES_MAX = 100
/** Stripe's largest quantity of a line, and largest price of one: the currency's own bound is looked at with the total. */
const QUANTITY_MAX = 999_999
const UNIT_AMOUNT_MAX = 999_999_999_999
const IMAGES_MAX = 8
const EXPANSIONS_MAX = 20
/** Read, and not obeyed: the stand-in has a card and a debit, and tests pay by debit when they like. */
const METHODS_MAX = 100

export const expansions: Reader<readonly string[] | null> = optional(listOf(text(), EXPANSIONS_MAX))

const lineItem = fields({
  quantity: integer(1, QUANTITY_MAX),
  price: optional(noSuch('price')),
  price_data: fields({
    currency: text(),
    unit_amount: integer(0, UNIT_AMOUNT_MAX),
    tax_behavior: optional(oneOf('exclusive', 'inclusive', 'unspecified')),
    product_data: fields({
      name: text(),
      description: optional(text()),
      images: optional(listOf(url, IMAGES_MAX)),
      metadata,
    }),
  }),
})

const paymentIntentData = fields({
  capture_method: optional(oneOf('automatic', 'automatic_async')),
  description: optional(text(1_000)),
  metadata,
  receipt_email: optional(email),
  statement_descriptor: optional(text(22)),
  statement_descriptor_suffix: optional(text(22)),
})

/** What of `POST /v1/checkout/sessions` the stand-in knows; whatever else Stripe knows is refused as unknown. */
const creation = fields({
  adaptive_pricing: optional(fields({ enabled: optional(off) })),
  allow_promotion_codes: optional(off),
  automatic_tax: optional(fields({ enabled: off })),
  billing_address_collection: optional(oneOf('auto')),
  cancel_url: optional(url),
  client_reference_id: optional(text(200)),
  currency: optional(text()),
  customer_creation: optional(oneOf('if_required')),
  customer_email: optional(email),
  excluded_payment_method_types: optional(listOf(text(), METHODS_MAX)),
  expand: expansions,
  expires_at: optional(integer(0)),
  invoice_creation: optional(fields({ enabled: off })),
  line_items: listOf(lineItem, LINES_MAX),
  locale: optional(text()),
  metadata,
  mode: oneOf('payment'),
  payment_intent_data: optional(paymentIntentData),
  phone_number_collection: optional(fields({ enabled: off })),
  submit_type: optional(oneOf('auto', 'book', 'donate', 'pay')),
  success_url: url,
  ui_mode: optional(oneOf('hosted_page')),
})

type Creation = Read<typeof creation>

/** Throws a `StripeRefusal` for what Stripe would refuse before it makes anything. */
export const newSession: Reader<NewSession & { readonly expand: Creation['expand'] }> = (value, at) => {
  const wanted = creation(value, at)
  const currency = currencyOfAll(wanted)
  const lines = wanted.line_items.map(lineOf)
  const amount = lines.reduce((sum, { unit_amount, quantity }) => sum + unit_amount * quantity, 0)
  checkCharge(amount, currency)
  return {
    amount,
    currency,
    lines,
    success_url: wanted.success_url,
    cancel_url: wanted.cancel_url,
    client_reference_id: wanted.client_reference_id,
    customer_email: wanted.customer_email,
    expires_at: wanted.expires_at,
    metadata: wanted.metadata,
    payment_data: { ...NO_PAYMENT_DATA, ...wanted.payment_intent_data },
    locale: wanted.locale,
    submit_type: wanted.submit_type,
    expand: wanted.expand,
  }
}

const NO_PAYMENT_DATA = {
  description: null,
  metadata: {},
  receipt_email: null,
  statement_descriptor: null,
  statement_descriptor_suffix: null,
}

function currencyOfAll({ currency, line_items }: Creation): string {
  const given = line_items.map(({ price_data }, at) =>
    currencyOf(price_data.currency, `line_items[${at}][price_data][currency]`),
  )
  const all = new Set(currency === null ? given : [currencyOf(currency, 'currency'), ...given])
  const [first = ''] = all
  if (all.size === 1) return first
  throw invalidRequest(
    `All prices must have the same currency; this session has ${[...all].join(', ')}.`,
    'line_items',
  )
}

function lineOf({ quantity, price_data }: Creation['line_items'][number]): Line {
  const { unit_amount, product_data } = price_data
  const { name, description } = product_data
  return { id: newId('li_'), name, description, unit_amount, quantity }
}
