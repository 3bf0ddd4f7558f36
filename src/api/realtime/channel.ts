import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import type { Caller } from '../../db/call.ts'
import type { Database } from '../../db/pool.ts'
import { ALL_RIGHTS, type Rights, rightsOn } from '../../desk/channel-rights.ts'
import type { Catalogue } from '../rest/catalogue.ts'
import type { Subscriber } from './audience.ts'
import { type Binding, BindingError, bindingOf } from './bindings.ts'
import type { Changes } from './changes.ts'
import type { Frame } from './frames.ts'
import { isBinary } from './frames.ts'
import type { Hub, Topic } from './hub.ts'
import type { Outgoing } from './outgoing.ts'

export interface ChannelContext {
  readonly hub: Hub
  readonly changes: Changes
  readonly catalogue: Catalogue
  readonly database: Database
}

/** The socket that a channel is of. */
export interface Line {
  send(frame: Frame): void
  deliver(message: Outgoing): void
  /** The channel is gone. */
  dropped(channel: Channel): void
}

/** Who the client is, until when. */
export interface Standing {
  readonly caller: Caller
  /** Seconds since 1970. */
  readonly expiresAt: number
}

/** One joined topic of one socket. */
export interface Channel {
  readonly topic: string
  readonly standing: Standing
  handle(frame: Frame): Promise<void>
  /** A new token; false where it may no longer be here. */
  renew(standing: Standing): Promise<boolean>
  /** Says why, and closes. */
  end(message: string): void
  leave(): void
}

/** Why a client may not join, in words for it. */
export class JoinRefusal extends Error {}

const settings = z
  .object({
    broadcast: z
      .object({ self: z.boolean().catch(false), ack: z.boolean().catch(false) })
      .catch({ self: false, ack: false }),
    presence: z
      .object({ key: z.string().max(500).catch(''), enabled: z.boolean().optional().catch(undefined) })
      .optional()
      .catch(undefined),
    postgres_changes: z.array(z.unknown()).max(100).optional(),
    private: z.boolean().catch(false),
  })
  .partial()

type Settings = z.output<typeof settings>

const PREFIX = 'realtime:'
const TOPIC_LENGTH_MAX = 255

/** Joins: rights, what is listened to, and that nothing is missed from now on; then it says so. Throws a JoinRefusal. */
export async function openChannel(
  frame: Frame,
  standing: Standing,
  line: Line,
  context: ChannelContext,
): Promise<Channel> {
  const { topic, ref } = frame
  if (!topic.startsWith(PREFIX) || topic.length === PREFIX.length || topic.length > TOPIC_LENGTH_MAX) {
    throw new JoinRefusal('unmatched topic')
  }
  const config = configOf(frame.payload)
  const isPrivate = config.private === true
  const rights = isPrivate ? await privateRights(topic, standing.caller, context) : ALL_RIGHTS
  const bindings = await bindingsOf(topic, config, context.catalogue)
  const channel = new JoinedChannel({ frame, config, isPrivate, rights, bindings, standing }, line, context)
  const missing = bindings.length > 0 ? context.changes.obstacle : undefined
  try {
    await context.changes.subscribe(channel)
  } catch (error) {
    channel.leave()
    throw new JoinRefusal(error instanceof Error ? error.message : String(error))
  }
  const asked = bindings.map(({ id, asked: given }) => ({ id, ...given }))
  const response = { postgres_changes: config.postgres_changes === undefined ? [] : asked }
  line.send({ joinRef: frame.joinRef, ref, topic, event: 'phx_reply', payload: { status: 'ok', response } })
  channel.greet(missing)
  return channel
}

function configOf(payload: unknown): Settings {
  const config =
    typeof payload === 'object' && payload !== null && 'config' in payload ? payload.config : undefined
  const parsed = settings.safeParse(config ?? {})
  if (!parsed.success) throw new JoinRefusal('the config of the channel cannot be read')
  return parsed.data
}

async function privateRights(topic: string, caller: Caller, { database }: ChannelContext): Promise<Rights> {
  const rights = await rightsOn(topic.slice(PREFIX.length), caller, database)
  if (rights.read_broadcast || rights.read_presence) return rights
  throw new JoinRefusal(
    `Unauthorized: You do not have permissions to read from this Channel topic: ${topic.slice(PREFIX.length)}`,
  )
}

/** CONTRACT: a join without a config on a table's own name listens to that table. */
async function bindingsOf(
  topic: string,
  config: Settings,
  catalogue: Catalogue,
): Promise<readonly Binding[]> {
  const named = topic.slice(PREFIX.length).replace(/^public:/, '')
  const attempt = async () => {
    const relations = await catalogue.relations()
    const bare = relations.tables.has(named) ? [{ event: '*', schema: 'public', table: named }] : []
    return (config.postgres_changes ?? bare).map((asked) => bindingOf(asked, relations))
  }
  try {
    return await attempt()
  } catch (error) {
    if (!(error instanceof BindingError)) throw error
  }
  try {
    // The table may be new.
    await catalogue.reload()
    return await attempt()
  } catch (error) {
    if (error instanceof BindingError)
      throw new JoinRefusal(`Unable to subscribe to changes: ${error.message}`)
    throw error
  }
}

interface Joined {
  readonly frame: Frame
  readonly config: Settings
  readonly isPrivate: boolean
  readonly rights: Rights
  readonly bindings: readonly Binding[]
  readonly standing: Standing
}

class JoinedChannel implements Channel, Subscriber {
  readonly topic: string
  readonly bindings: readonly Binding[]
  standing: Standing
  readonly #joinRef: string | null
  readonly #config: Settings
  readonly #isPrivate: boolean
  readonly #presenceKey: string
  readonly #line: Line
  readonly #context: ChannelContext
  readonly #room: Topic
  #rights: Rights
  #isOpen = true

  constructor(
    { frame, config, isPrivate, rights, bindings, standing }: Joined,
    line: Line,
    context: ChannelContext,
  ) {
    this.topic = frame.topic
    this.bindings = bindings
    this.standing = standing
    this.#joinRef = frame.joinRef
    this.#config = config
    this.#isPrivate = isPrivate
    this.#presenceKey = config.presence?.key || randomUUID()
    this.#line = line
    this.#context = context
    this.#rights = rights
    this.#room = context.hub.join(this.topic, isPrivate, this)
  }

  get caller(): Caller {
    return this.standing.caller
  }

  /** What a client hears right after it has joined. */
  greet(missing: string | undefined): void {
    const { presence } = this.#config
    if (presence !== undefined && presence.enabled !== false && this.#rights.read_presence) {
      this.#push('presence_state', this.#room.presence.state())
    }
    if (this.bindings.length === 0) return
    this.#system(
      'postgres_changes',
      missing === undefined ? 'ok' : 'error',
      missing ?? 'Subscribed to PostgreSQL',
    )
  }

  deliver(message: Outgoing): void {
    if (this.#isOpen) this.#line.deliver(message)
  }

  async handle(frame: Frame): Promise<void> {
    switch (frame.event) {
      case 'broadcast':
        return this.#broadcast(frame)
      case 'presence':
        return this.#track(frame)
      case 'phx_leave':
        this.#reply(frame, 'ok', {})
        this.leave()
        this.#push('phx_close', {})
        return
      default:
        this.#reply(frame, 'error', { reason: `unknown event ${frame.event.slice(0, 100)}` })
    }
  }

  async renew(standing: Standing): Promise<boolean> {
    const isSame = standing.caller.claims === this.standing.caller.claims
    this.standing = standing
    if (!this.#isPrivate || isSame) return true
    this.#rights = await rightsOn(this.topic.slice(PREFIX.length), standing.caller, this.#context.database)
    return this.#rights.read_broadcast || this.#rights.read_presence
  }

  lost(reason: string): void {
    this.#system('postgres_changes', 'error', reason)
    this.leave()
    // Clients join again by themselves, and are told once nothing is missed any more.
    this.#push('phx_error', {})
  }

  end(message: string): void {
    this.#system('system', 'error', message)
    this.leave()
    this.#push('phx_close', {})
  }

  leave(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#context.hub.leave(this.topic, this.#isPrivate, this)
    this.#context.changes.unsubscribe(this)
    this.#line.dropped(this)
  }

  #broadcast(frame: Frame): void {
    if (!this.#rights.write_broadcast) {
      this.#reply(frame, 'error', {
        reason: 'Unauthorized: You do not have permissions to write to this Channel topic',
      })
      return
    }
    const payload = isBinary(frame.payload)
      ? frame.payload
      : { type: 'broadcast', ...objectOf(frame.payload) }
    this.#room.broadcast(payload, this.#config.broadcast?.self === true ? undefined : this)
    if (this.#config.broadcast?.ack === true) this.#reply(frame, 'ok', {})
  }

  #track(frame: Frame): void {
    if (!this.#rights.write_presence) {
      this.#reply(frame, 'error', {
        reason: 'Unauthorized: You do not have permissions to write to this Channel topic',
      })
      return
    }
    const { event, payload } = objectOf(frame.payload)
    switch (String(event).toLowerCase()) {
      case 'track':
        this.#room.tell(this.#room.presence.track(this, this.#presenceKey, objectOf(payload)))
        this.#reply(frame, 'ok', {})
        return
      case 'untrack':
        this.#room.tell(this.#room.presence.untrack(this))
        this.#reply(frame, 'ok', {})
        return
      default:
        this.#reply(frame, 'error', { reason: 'unknown presence event' })
    }
  }

  #reply({ ref }: Frame, status: 'ok' | 'error', response: object): void {
    this.#line.send({
      joinRef: this.#joinRef,
      ref,
      topic: this.topic,
      event: 'phx_reply',
      payload: { status, response },
    })
  }

  #push(event: string, payload: unknown): void {
    this.#line.send({ joinRef: this.#joinRef, ref: null, topic: this.topic, event, payload })
  }

  #system(extension: string, status: 'ok' | 'error', message: string): void {
    const channel = this.topic.slice(PREFIX.length)
    this.#push('system', { extension, status, message, channel })
  }
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : {}
}
