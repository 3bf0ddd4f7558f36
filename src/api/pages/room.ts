import type { FunctionContext } from '../functions/contract.ts'

/** What the pages need of the server. */
export interface PageRoom extends Omit<FunctionContext, 'caller' | 'publicUrl'> {
  /** Where people reach this server; by default the host that each request names. */
  readonly publicUrl: string | undefined
  /** IANA name of the zone in which times are told; the machine's own where it is absent. */
  readonly timeZone?: string
}

export function publicUrlOf(request: Request, { publicUrl }: PageRoom): string {
  return publicUrl ?? new URL(request.url).origin
}
