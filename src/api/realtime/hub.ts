import { type Elsewhere, openElsewhere } from './elsewhere.ts'
import { type Outgoing, outgoing } from './outgoing.ts'
import { entriesOf, openPresence, type Presence, type PresenceDiff, stateOf } from './presence.ts'
import type { Relay } from './relay.ts'

/** Who has joined a topic. */
export interface Member {
  deliver(message: Outgoing): void
}

export interface Topic {
  /** `state` has those at other processes, too. */
  readonly presence: Presence
  /** To all of them, or all but one. */
  broadcast(payload: unknown, except?: Member): void
  tell(diff: PresenceDiff | undefined): void
}

export interface Hub {
  join(name: string, isPrivate: boolean, member: Member): Topic
  leave(name: string, isPrivate: boolean, member: Member): void
  /** To whoever has joined; nobody where nobody has. */
  broadcast(name: string, isPrivate: boolean, payload: unknown): void
  /** The same to those of this process: the others hear of it by themselves. */
  broadcastHere(name: string, isPrivate: boolean, payload: unknown): void
}

interface Kept extends Topic {
  readonly members: Set<Member>
  send(event: string, payload: unknown, except?: Member): void
  /** Those of this process alone. */
  readonly here: Presence
}

/** The topics that somebody has joined; a private one and a public one of the same name are two. */
export function openHub(relay?: Relay): Hub {
  const topics = new Map<string, Kept>()
  const elsewhere = openElsewhere()
  const keyOf = (name: string, isPrivate: boolean) => `${isPrivate ? 'private' : 'public'}:${name}`
  const here = (key: string, payload: unknown) => topics.get(key)?.send(BROADCAST, payload)
  relay?.listen({
    heard: (worker, message) => {
      if (message.is === 'broadcast') return here(message.key, message.payload)
      sendDiff(topics.get(message.key), elsewhere.apply(worker, message.key, message.diff))
    },
    introduce: () => {
      for (const [key, topic] of topics) {
        const joins = topic.here.state()
        if (Object.keys(joins).length > 0) relay.send({ is: 'presence', key, diff: { joins, leaves: {} } })
      }
    },
    gone: (worker) => {
      for (const [key, diff] of elsewhere.forget(worker)) sendDiff(topics.get(key), diff)
    },
  })
  return {
    join: (name, isPrivate, member) => {
      const key = keyOf(name, isPrivate)
      const topic = topics.get(key) ?? openTopic(name, key, { relay, elsewhere })
      topics.set(key, topic)
      topic.members.add(member)
      return topic
    },
    leave: (name, isPrivate, member) => {
      const key = keyOf(name, isPrivate)
      const topic = topics.get(key)
      if (topic === undefined) return
      topic.members.delete(member)
      topic.tell(topic.here.untrack(member))
      if (topic.members.size === 0) topics.delete(key)
    },
    broadcast: (name, isPrivate, payload) => {
      const key = keyOf(name, isPrivate)
      here(key, payload)
      relay?.send({ is: 'broadcast', key, payload })
    },
    broadcastHere: (name, isPrivate, payload) => here(keyOf(name, isPrivate), payload),
  }
}

const BROADCAST = 'broadcast'

function sendDiff(topic: Kept | undefined, diff: PresenceDiff | undefined): void {
  if (diff !== undefined) topic?.send('presence_diff', diff)
}

interface Others {
  readonly relay: Relay | undefined
  readonly elsewhere: Elsewhere
}

function openTopic(name: string, key: string, { relay, elsewhere }: Others): Kept {
  const members = new Set<Member>()
  const here = openPresence()
  const send = (event: string, payload: unknown, except?: Member) => {
    const message = outgoing(name, event, payload)
    for (const member of members) if (member !== except) member.deliver(message)
  }
  return {
    members,
    here,
    presence: { ...here, state: () => stateOf([...entriesOf(here.state()), ...elsewhere.at(key)]) },
    send,
    broadcast: (payload, except) => {
      send(BROADCAST, payload, except)
      relay?.send({ is: 'broadcast', key, payload })
    },
    tell: (diff) => {
      if (diff === undefined) return
      send('presence_diff', diff)
      relay?.send({ is: 'presence', key, diff })
    },
  }
}
