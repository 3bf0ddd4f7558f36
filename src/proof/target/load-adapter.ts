import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import type { Adapter } from '../../adapter/index.ts'
import { placeOf, reasonOf, TargetError } from './failure.ts'

const IMPORT_MS_MAX = 15_000

/** The adapter in a file, complete and of the right shape. Throws a TargetError that says what is missing. */
export async function loadAdapter(file: string): Promise<Adapter> {
  const path = resolve(file)
  if (!statSync(path, { throwIfNoEntry: false })?.isFile())
    throw new TargetError('ADAPTER_NOT_FOUND', `there is no file ${file}.`)
  const module = await within(IMPORT_MS_MAX, file, import(pathToFileURL(path).href))
  const { adapter } = module as { readonly adapter?: unknown }
  if (adapter === undefined) {
    const advice = 'Write `export const adapter: Adapter<Item, Cart> = { … }`.'
    throw new TargetError('ADAPTER_INCOMPLETE', `${file} exports no \`adapter\`. ${advice}`)
  }
  const parsed = shape.safeParse(adapter)
  if (!parsed.success) {
    const faults = parsed.error.issues.map(
      ({ path, message }) => `\`${path.join('.') || 'adapter'}\` ${message}`,
    )
    throw new TargetError('ADAPTER_INCOMPLETE', `${file}: ${faults.join('; ')}.`)
  }
  return adapter as Adapter
}

/** A file that waits at its top level for what never comes would be waited for without end. */
async function within(ms: number, file: string, work: Promise<unknown>): Promise<unknown> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    reject(new TargetError('ADAPTER_TIMED_OUT', `${file} was not imported within ${ms / 1000} s.`))
  }, ms)
  try {
    return await Promise.race([work, late])
  } catch (error) {
    if (error instanceof TargetError) throw error
    throw new TargetError(
      'ADAPTER_UNREADABLE',
      `${placeOf(error, file) || file} cannot be imported: ${reasonOf(error)}`,
    )
  } finally {
    clearTimeout(timer)
  }
}

const fn = (name: string) =>
  z.custom<unknown>((value) => typeof value === 'function', { error: `is not a function: ${name}` })
const text = z.string({ error: 'is not a text' }).min(1, { error: 'is empty' })
const between = (least: number, most: number) =>
  z
    .number({ error: `is not a number from ${least} to ${most}` })
    .min(least, { error: `is below ${least}` })
    .max(most, { error: `is above ${most}` })
const name = text.regex(/^[\w".]+$/, { error: 'is no name of a table or column' })

const invariants = z.strictObject({
  stock: z.strictObject({
    table: name,
    id: name,
    total: name,
    sold: name.optional(),
    reserved: name.optional(),
    available: name.optional(),
    where: text.optional(),
  }),
  holds: z.strictObject({ table: name, stock: name, units: name, where: text.optional() }).optional(),
  tickets: z.strictObject({ table: name, code: name, where: text.optional() }).optional(),
})

const url = z.url({ protocol: /^https?$/, error: 'is no http or https URL' })

/** What an adapter may have, and nothing else: a misspelt name would leave something unsaid in silence. */
const shape = z.strictObject(
  {
    name: text,
    urls: z.array(url, { error: 'is no list of URLs' }).min(1, { error: 'names no URL' }),
    holds: z.union([z.enum(['none', 'until-paid']), z.strictObject({ minutes: z.number().positive() })], {
      error: "is none of 'none', 'until-paid', { minutes: 10 }",
    }),
    retry: z
      .strictObject(
        {
          means: z.enum(['sameOrder', 'refused', 'newOrder'], {
            error: 'is none of sameOrder, refused, newOrder',
          }),
          key: z.enum(['header', 'cart', 'email', 'none'], { error: 'is none of header, cart, email, none' }),
        },
        { error: 'is not { means, key }' },
      )
      .optional(),
    settleSeconds: between(0, 120).optional(),
    callSecondsMax: between(1, 600).optional(),
    requestsPerCall: between(1, 50).optional(),
    commands: z.strictObject({ kill: text, start: text }, { error: 'is not { kill, start }' }).optional(),
    invariants: invariants.optional(),
    prepare: fn('prepare makes something to sell'),
    open: fn('open does what a buyer does before the last request'),
    commit: fn('commit makes the last request'),
    truth: fn('truth reads the orders'),
    release: fn('release gives a cart up').optional(),
    cancel: fn('cancel cancels an order').optional(),
    pay: fn('pay delivers the provider’s event').optional(),
    cleanup: fn('cleanup removes what was made').optional(),
  },
  {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? `has ${issue.keys.join(', ')}, which nothing reads; is it misspelt`
        : 'is not an object',
  },
)
