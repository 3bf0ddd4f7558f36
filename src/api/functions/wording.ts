import { z } from 'zod'
import type { RefusalCode } from '../../core/refusals.ts'

/** A refusal, as far as it is told. */
interface Told {
  readonly code: RefusalCode
  readonly message: string
  readonly more: Readonly<Record<string, unknown>>
}

/** How a function words its refusals, and the schema of such bodies; what a refusal adds, such as `available`, stands beside. */
export interface Wording {
  readonly write: (refusal: Told) => object
  readonly schemaOf: (codes: readonly RefusalCode[]) => z.ZodType
}

const failed = z.literal(false)
/** `error` begins with the code, so that scripts which look at the text find it. */
const error = z.string()

export const PLAIN: Wording = {
  write: ({ code, message, more }) => ({ success: false, error: `${code}: ${message}`, code, ...more }),
  schemaOf: (codes) => z.looseObject({ success: failed, error, code: z.enum(codes) }),
}

/** As {@link PLAIN}, for functions whose answers do not speak of success. */
export const BARE: Wording = {
  write: ({ code, message, more }) => ({ error: `${code}: ${message}`, code, ...more }),
  schemaOf: (codes) => z.looseObject({ error, code: z.enum(codes) }),
}

/** Two checkouts call the code `error_code`, and sold out by another name. */
export const INVENTORY: Wording = {
  write: ({ code, message, more }) => {
    const error_code = inventoryCode(code)
    const remark = error_code === code ? '' : ' (insufficient inventory)'
    return { success: false, error_code, error: `${error_code}: ${message}${remark}`, ...more }
  },
  schemaOf: (codes) =>
    z.looseObject({ success: failed, error, error_code: z.enum(codes.map(inventoryCode)) }),
}

function inventoryCode(code: RefusalCode): string {
  return code === 'INSUFFICIENT_TICKETS' ? 'INSUFFICIENT_INVENTORY' : code
}
