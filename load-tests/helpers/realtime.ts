import { WebSocket } from 'k6/websockets'
import { getSupabaseUrl, required } from './auth.ts'

/** What a channel listens to, as Supabase Realtime takes it. */
export interface ChangesAsked {
  readonly event: 'INSERT' | 'UPDATE' | 'DELETE' | '*'
  readonly table: string
  readonly filter?: string
}

/** A row that was written. */
export interface Change {
  readonly table: string
  readonly type: string
  readonly record: Readonly<Record<string, unknown>>
  /** ISO 8601, by the clock of the database. */
  readonly commit_timestamp: string
}

export interface Subscription {
  /** True once nothing is missed any more; false where that is refused or the connection ends. */
  readonly joined: Promise<boolean>
  leave(): void
}

/** Supabase Realtime's own period is 25 s; a connection that says nothing for longer is closed. */
const HEARTBEAT_MS = 25_000

/** Phoenix channel: joins one as supabase-js does, in the name of `token`, and tells of each change. */
export function subscribe(
  token: string,
  asked: readonly ChangesAsked[],
  hear: (change: Change) => void,
): Subscription {
  const address = getSupabaseUrl().replace(/^http/, 'ws')
  const socket = new WebSocket(
    `${address}/realtime/v1/websocket?apikey=${required('SUPABASE_ANON_KEY')}&vsn=1.0.0`,
    null,
    { tags: { name: 'realtime' } },
  )
  let heartbeat: ReturnType<typeof setInterval> | undefined
  let settle: (isJoined: boolean) => void = () => undefined
  const joined = new Promise<boolean>((resolve) => {
    settle = resolve
  })
  const send = (topic: string, event: string, payload: object) =>
    socket.send(JSON.stringify({ topic, event, payload, ref: event, join_ref: 'join' }))
  const refuse = (reason: unknown) => {
    console.error(`no subscription: ${JSON.stringify(reason)}`)
    settle(false)
  }
  socket.onopen = () => {
    const postgres_changes = asked.map((changes) => ({ schema: 'public', ...changes }))
    send('realtime:dashboard', 'phx_join', { config: { postgres_changes }, access_token: token })
    heartbeat = setInterval(() => send('phoenix', 'heartbeat', {}), HEARTBEAT_MS)
  }
  socket.onmessage = (message) => {
    const { event, payload } = JSON.parse(String(message?.data))
    if (event === 'postgres_changes') hear(payload.data)
    else if (event === 'system' && payload.status === 'ok') settle(true)
    else if (payload.status === 'error') refuse(payload)
  }
  socket.onerror = (event) => refuse(event?.error)
  socket.onclose = () => {
    clearInterval(heartbeat)
    settle(false)
  }
  return { joined, leave: () => socket.close() }
}
