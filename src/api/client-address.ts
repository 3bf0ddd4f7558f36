import { BlockList, isIP } from 'node:net'

export interface AddressRules {
  /** The header in which a proxy names the client; without it the other end of the connection is the client. */
  readonly header: string | undefined
  /** Whose word counts: addresses and networks of proxies, `private` for all that are on no public address, `any`. */
  readonly trusted: readonly string[]
}

/** Who sent a request, as far as that can be known. */
export interface Client {
  /** An address in its one spelling; undefined where there is no connection. */
  readonly address: string | undefined
  /** Whether it is a program on this machine, by its own connection: what a header says makes nobody one. */
  readonly isLocal: boolean
  /** A header named somebody, and who sent it is no proxy of ours: it does not count. */
  readonly isForged: boolean
}

export type FindClient = (peer: string | undefined, headerOf: (name: string) => string | undefined) => Client

/**
 * Finds the client of a request. A proxy's header is read from the right: the last address is whom the proxy saw, what stands
 * before it the client may have written. Only a proxy that `trusted` names by its address is passed over, as the one before it
 * named the next.
 */
export function clientFinder({ header, trusted }: AddressRules): FindClient {
  const isTrusted = memberOf(trusted)
  const isNamedProxy = memberOf(trusted.filter((entry) => entry !== PRIVATE && entry !== ANY))
  return (peerText, headerOf) => {
    const peer = peerText === undefined ? undefined : canonicalAddress(peerText)
    const named = header === undefined ? undefined : headerOf(header)
    const local = { address: peer, isLocal: peer !== undefined && isLoopback(peer), isForged: false }
    if (header === undefined || named === undefined) return local
    if (peer !== undefined && !isTrusted(peer)) return { ...local, isForged: true }
    const chain = addressesIn(header, named)
    let at = chain.length - 1
    while (at > 0 && isNamedProxy(chain[at] ?? '')) at--
    // A proxy that cannot say who it was stands for all of its clients.
    return { address: chain[at] ?? peer, isLocal: false, isForged: false }
  }
}

/** Each address of a list, undefined for what is none (`unknown`, a name). `Forwarded` has pairs (RFC 7239), others a plain list. What
 * stands in quotes is bounded: else each quote that nobody closes is looked for to the end (quadratic). */
function addressesIn(header: string, list: string): readonly (string | undefined)[] {
  const parts = list.match(/(?:"(?:[^"\\]|\\.){0,255}"|[^,"])+/g) ?? []
  return parts.map((part) => {
    if (header.toLowerCase() !== 'forwarded') return canonicalAddress(withoutPort(part.trim()))
    const [, quoted, plain] = /(?:^|;)\s*for=(?:"([^"]*)"|([^;,\s]*))/i.exec(part.trim()) ?? []
    return canonicalAddress(withoutPort(quoted ?? plain ?? ''))
  })
}

const PRIVATE = 'private'
const ANY = 'any'

/** Networks that no packet from the internet has as its sender. */
const PRIVATE_NETWORKS = [
  ...['127.0.0.0/8', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.0.0/16', '100.64.0.0/10'],
  ...['::1/128', 'fc00::/7', 'fe80::/10'],
]

function memberOf(entries: readonly string[]): (address: string) => boolean {
  if (entries.includes(ANY)) return () => true
  const networks = new BlockList()
  for (const entry of entries.flatMap((each) => (each === PRIVATE ? PRIVATE_NETWORKS : each))) {
    const [address = '', bits] = entry.split('/')
    const family = address.includes(':') ? 'ipv6' : 'ipv4'
    networks.addSubnet(address, Number(bits ?? (family === 'ipv6' ? 128 : 32)), family)
  }
  return (address) => networks.check(address, address.includes(':') ? 'ipv6' : 'ipv4')
}

/** One spelling an address: groups of IPv6 in full, and IPv4 as it is also where IPv6 wraps it. Undefined for what is no address. */
export function canonicalAddress(text: string): string | undefined {
  const [address = ''] = text.split('%')
  if (isIP(address) === 4) return address
  if (isIP(address) !== 6) return undefined
  const groups = groupsOf(address)
  const wraps = WRAPPERS.some((prefix) => prefix.every((group, at) => groups[at] === group))
  if (!wraps) return groups.map((group) => group.toString(16)).join(':')
  const [high = 0, low = 0] = groups.slice(6)
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}

/** Prefixes that carry an IPv4 address in their last 32 bits: mapped (`::ffff:…`), and NAT64, where all clients would share one /64. */
const WRAPPERS = [
  [0, 0, 0, 0, 0, 0xffff],
  [0x64, 0xff9b, 0, 0, 0, 0],
]

function groupsOf(address: string): readonly number[] {
  const plain = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...bytes: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = bytes.slice(0, 4).map(Number)
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
  })
  const [head = '', tail] = plain.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0')
  return [...before, ...zeros, ...after].map((group) => Number.parseInt(group, 16))
}

function isLoopback(canonical: string): boolean {
  return canonical.startsWith('127.') || canonical === '0:0:0:0:0:0:0:1'
}

/** The address that a proxy names: some write the port behind it, which is another for each connection. */
function withoutPort(named: string): string {
  const [, bracketed, plain] = /^\[([^\]]*)\](?::\w+)?$|^([^:]*):\w+$/.exec(named) ?? []
  return bracketed ?? plain ?? named
}

/** Who is counted as one: an IPv6 client has a whole /64, so its 2^64 addresses count as one. Takes a canonical address. */
export function networkOf(address: string): string {
  return address.includes(':') ? address.split(':').slice(0, 4).join(':') : address
}
