import { REFUSALS, type RefusalEntry, TIER_PRECEDENCE } from '../../src/core/refusals.ts'
import { literal } from './literals.ts'

const entries: readonly (readonly [code: string, entry: RefusalEntry])[] = Object.entries(REFUSALS)

/** What verbs say when they refuse, from the registry of refusals. */
export function refusalsSql(): string {
  const messages = entries.map(([code, { message }]) => when(code, message))
  const gateMessages = entries.flatMap(([code, { gateMessage }]) =>
    gateMessage === undefined ? [] : [when(code, gateMessage)],
  )
  return `-- Written by \`npm run generate\` from src/core/refusals.ts; a test compares the two.

-- refusal_message: one sentence for a person, per code.
create or replace function ticketing.refusal_message(p_code text) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case p_code
${messages.join('\n')}
  end
$$;

-- scan_message: refusal_message, in the words of a gate.
create or replace function ticketing.scan_message(p_code text) returns text
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  return case p_code
${gateMessages.join('\n')}
    else ticketing.refusal_message(p_code) end;
end
$$;

-- refusal_rank: the documented precedence, for a cart whose tiers are refused for different reasons.
create or replace function ticketing.refusal_rank(p_refusal text) returns integer
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select array_position(array[
${TIER_PRECEDENCE.map((code) => `    '${code}'`).join(',\n')}], p_refusal)
$$;
`
}

function when(code: string, text: string): string {
  return `    when ${literal(code)} then ${literal(text)}`
}
