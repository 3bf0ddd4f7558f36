import { refuse } from '../test.ts'
import type { VirtualUser } from '../vu.ts'

/** `k6/ws`: its one function returns when the connection has ended, and until then would block every user. */
export function wsModule(user: VirtualUser): object {
  const instead = 'scenarios use `new WebSocket(url)` of k6/websockets'
  return { connect: () => refuse(user.test, 'ws.connect(), which blocks,', instead) }
}
