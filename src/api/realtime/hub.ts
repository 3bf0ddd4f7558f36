import { type Outgoing, outgoing } from './outgoing.ts'
import { openPresence, type Presence, type PresenceDiff } from './presence.ts'

/** Who has joined a topic. */
export interface Member {
  deliver(message: Outgoing): void
}

export interface Topic {
  readonly presence: Presence
  /** To all of them, or all but one. */
  send(event: string, payload: unknown, except?: Member): void
  tell(diff: PresenceDiff | undefined): void
}

export interface Hub {
  join(name: string, isPrivate: boolean, member: Member): Topic
  leave(name: string, isPrivate: boolean, member: Member): void
  /** To whoever has joined; nobody where nobody has. */
  send(name: string, isPrivate: boolean, event: string, payload: unknown): void
}

interface Kept extends Topic {
  readonly members: Set<Member>
}

/** The topics that somebody has joined; a private one and a public one of the same name are two. */
export function openHub(): Hub {
  const topics = new Map<string, Kept>()
  const keyOf = (name: string, isPrivate: boolean) => `${isPrivate ? 'private' : 'public'}:${name}`
  return {
    join: (name, isPrivate, member) => {
      const key = keyOf(name, isPrivate)
      const topic = topics.get(key) ?? openTopic(name)
      topics.set(key, topic)
      topic.members.add(member)
      return topic
    },
    leave: (name, isPrivate, member) => {
      const key = keyOf(name, isPrivate)
      const topic = topics.get(key)
      if (topic === undefined) return
      topic.members.delete(member)
      topic.tell(topic.presence.untrack(member))
      if (topic.members.size === 0) topics.delete(key)
    },
    send: (name, isPrivate, event, payload) => topics.get(keyOf(name, isPrivate))?.send(event, payload),
  }
}

function openTopic(name: string): Kept {
  const members = new Set<Member>()
  const send = (event: string, payload: unknown, except?: Member) => {
    const message = outgoing(name, event, payload)
    for (const member of members) if (member !== except) member.deliver(message)
  }
  return {
    members,
    presence: openPresence(),
    send,
    tell: (diff) => {
      if (diff !== undefined) send('presence_diff', diff)
    },
  }
}
