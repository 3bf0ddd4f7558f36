import { after } from 'node:test'
import { openTcpProxy, type TcpProxy } from '../../src/proof/faults/tcp-proxy.ts'

export type { TcpProxy } from '../../src/proof/faults/tcp-proxy.ts'

/** A proxy before the PostgreSQL at `url`, closed with the test file. */
export async function openProxy(url: string): Promise<TcpProxy> {
  const proxy = await openTcpProxy(Number(new URL(url).port))
  after(proxy.close)
  return proxy
}
