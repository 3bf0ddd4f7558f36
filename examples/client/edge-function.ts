/**
 * An edge function, for Supabase or `deno serve`: holds tickets for the user whose token the request brings. Where Deno finds
 * `admit-once/client`, say in deno.json: `{ "imports": { "admit-once/client": "npm:admit-once/client" } }`.
 */
import { createClient } from 'admit-once/client'

Deno.serve(async (request) => {
  const { tierId, quantity, sessionId } = await request.json()
  const tickets = createClient({
    url: Deno.env.get('SUPABASE_URL') ?? 'http://127.0.0.1:54321',
    apiKey: Deno.env.get('SUPABASE_ANON_KEY') ?? '',
    accessToken: () => request.headers.get('authorization')?.replace(/^Bearer /i, '') ?? null,
  })
  // A hold is of its session; asked for again it would be added to, so that a lost answer is not asked again: its outcome is unknown.
  const { data, error } = await tickets.rpc('reserve_tickets_batch', {
    p_reservations: [{ tier_id: tierId, quantity }],
    p_session_id: sessionId,
  })
  if (error === null) return Response.json({ heldUntil: data.expires_at })
  const { code, message, outcome, more } = error
  return Response.json({ code, message, outcome, ...more }, { status: outcome === 'unknown' ? 502 : 409 })
})
