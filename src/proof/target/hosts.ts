import { isIPv4 } from 'node:net'

/** Does a name of a URL lead to this machine and nowhere else? */
export function isLoopback(hostname: string): boolean {
  const name = hostname.replaceAll(/^\[|\]$/g, '').toLowerCase()
  return (
    name === 'localhost' ||
    name.endsWith('.localhost') ||
    name === '::1' ||
    (isIPv4(name) && name.startsWith('127.'))
  )
}
