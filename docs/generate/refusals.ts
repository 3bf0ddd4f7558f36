import { REFUSALS, type RefusalEntry, TIER_PRECEDENCE } from '../../src/core/refusals.ts'
import { page, table } from './markdown.ts'

/** Every code, with its status and its text. */
export function refusalsPage(): string {
  const entries: readonly [string, RefusalEntry][] = Object.entries(REFUSALS)
  return page(
    'Refusals',
    'src/core/refusals.ts',
    'A refusal is an answer with a code, not an exception. Codes are part of the contract and do not change; texts may.',
    `Functions answer with the status, and with \`Retry-After\` where one is given. Verbs called by RPC answer 200 with
\`{"success": false, …}\` and the code, as every PostgreSQL function that returns does; the two that answer nothing,
\`release_tickets\` and \`release_offer_spots\`, raise instead. A gate reads the text in italics.`,
    table(
      ['code', 'status', 'text', 'retry after'],
      entries.map(([code, { status, message, gateMessage, retryAfterSeconds }]) => [
        `\`${code}\``,
        String(status),
        gateMessage === undefined ? message : `${message} *${gateMessage}*`,
        retryAfterSeconds === undefined ? '' : `${retryAfterSeconds} s`,
      ]),
    ),
    `## Precedence

A tier is refused with the first of these that applies, and a cart with the first that any of its tiers has:
${TIER_PRECEDENCE.map((code) => `\`${code}\``).join(', ')}.`,
  )
}
