/** What scripts import from `https://jslib.k6.io/k6-utils/<version>/index.js`. */
export function randomIntBetween(min: number, max: number): number {
  return Math.floor(Math.random() * (max - min + 1) + min)
}

export function randomItem<T>(items: ArrayLike<T>): T | undefined {
  return items[Math.floor(Math.random() * items.length)]
}

export function randomString(length: number, characters = 'abcdefghijklmnopqrstuvwxyz'): string {
  return Array.from({ length }, () => characters[Math.floor(Math.random() * characters.length)]).join('')
}

export function uuidv4(): string {
  return crypto.randomUUID()
}

/** The text between two others, or the list of all such texts. */
export function findBetween(content: string, left: string, right: string, repeat = false): string | string[] {
  const found: string[] = []
  for (let at = content.indexOf(left); at !== -1; at = content.indexOf(left, at)) {
    const start = at + left.length
    const end = content.indexOf(right, start)
    if (end === -1) break
    found.push(content.slice(start, end))
    if (!repeat) break
    at = end + right.length
  }
  return repeat ? found : (found[0] ?? '')
}

export default { findBetween, randomIntBetween, randomItem, randomString, uuidv4 }
