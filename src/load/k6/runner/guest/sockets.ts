import { clearTimeout, setTimeout } from 'node:timers'
import { websocketsModule } from '../api/websockets.ts'
import type { VirtualUser } from '../vu.ts'
import { eventNames } from '../web-socket.ts'
import type { Events, Operations } from './question.ts'

/** A connection of a guest; its events go to the guest's event loop, or, once it asks for that, wait to be fetched. */
interface GuestSocket {
  readonly socket: ScriptSocket
  queue: object[] | undefined
  wake: () => void
}

interface ScriptSocket {
  readonly readyState: number
  readonly bufferedAmount: number
  readonly protocol: string
  send(data: unknown): void
  ping(): void
  close(code: number, reason: string): void
}

export function socketOperations(user: VirtualUser, events: Events): Operations {
  const { WebSocket } = websocketsModule(user) as {
    WebSocket: new (url: unknown, protocols: unknown, params: unknown) => ScriptSocket
  }
  const open = new Map<number, GuestSocket>()
  events.whenOver(() => open.clear())
  const socketOf = (id: number) => {
    const found = open.get(id)
    if (found === undefined) throw new Error('InvalidStateError')
    return found
  }
  return {
    'socket.open': (id: number, url: unknown, protocols: unknown, params: unknown) => {
      const entry: GuestSocket = {
        socket: new WebSocket(url ?? undefined, protocols, params ?? undefined),
        queue: undefined,
        wake: () => undefined,
      }
      open.set(id, entry)
      Object.assign(entry.socket, { binaryType: 'arraybuffer' })
      for (const type of eventNames) {
        Object.assign(entry.socket, {
          [`on${type}`]: ({ target: _, ...fields }: { readonly target: unknown }) => {
            if (entry.queue === undefined) return events.push({ kind: 'socket', id, type, fields })
            entry.queue.push({ type, fields })
            entry.wake()
          },
        })
      }
    },
    'socket.queue': (id: number) => {
      socketOf(id).queue = []
    },
    'socket.next': (id: number, withinMs: number | null) => next(socketOf(id), withinMs),
    'socket.state': (id: number, name: keyof typeof ofClosed) => (open.get(id)?.socket ?? ofClosed)[name],
    'socket.send': (id: number, data: unknown) => socketOf(id).socket.send(data),
    'socket.ping': (id: number) => socketOf(id).socket.ping(),
    'socket.close': (id: number, code: number, reason: string) => socketOf(id).socket.close(code, reason),
  }
}

/** A socket of a call that is over. */
const ofClosed = { readyState: 3, bufferedAmount: 0, protocol: '' } as const

/** The next event, or, after so many milliseconds, that a timer is due. */
async function next(entry: GuestSocket, withinMs: number | null): Promise<object> {
  const queue = entry.queue ?? []
  if (queue.length === 0) {
    await new Promise<void>((resolve) => {
      const timer = withinMs === null ? undefined : setTimeout(resolve, withinMs)
      entry.wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
  return queue.shift() ?? { type: 'timer' }
}
