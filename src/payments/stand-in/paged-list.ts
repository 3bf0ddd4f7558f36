import { resourceMissing } from './refusal.ts'

/** Cursor pagination: objects of one kind in the order they came, found by id, listed by page, newest first, as Stripe lists. */
export interface PagedList<T> {
  readonly size: number
  get(id: string): T | undefined
  /** Adds it, or replaces what has its id and keeps its place. */
  put(value: T): void
  oldest(): T | undefined
  dropOldest(): void
  values(): Iterable<T>
  page(page: Page, fits?: (value: T) => boolean): PageOf<T>
}

/** A cursor that the list does not have is refused with 400. */
export interface Page {
  readonly limit: number | null
  readonly starting_after: string | null
  readonly ending_before: string | null
}

export interface PageOf<T> {
  readonly data: readonly T[]
  readonly has_more: boolean
}

const LIMIT_DEFAULT = 10

export function openPagedList<T extends { readonly id: string }>(what: string): PagedList<T> {
  const places = new Map<string, number>()
  const values = new Map<number, T>()
  let first = 0
  let next = 0
  const cursor = (id: string, param: string) => {
    const place = places.get(id)
    if (place === undefined) throw resourceMissing(what, id, param, 400)
    return place
  }
  const walk = (from: number, step: 1 | -1, limit: number, fits: (value: T) => boolean): PageOf<T> => {
    const data: T[] = []
    for (let place = from; place >= first && place < next; place += step) {
      const value = values.get(place)
      if (value === undefined || !fits(value)) continue
      if (data.length === limit) return { data, has_more: true }
      data.push(value)
    }
    return { data, has_more: false }
  }
  return {
    get size() {
      return values.size
    },
    get: (id) => values.get(places.get(id) ?? -1),
    put: (value) => {
      const place = places.get(value.id) ?? next
      if (place === next) next += 1
      places.set(value.id, place)
      values.set(place, value)
    },
    oldest: () => values.get(first),
    dropOldest: () => {
      const value = values.get(first)
      if (value === undefined) return
      places.delete(value.id)
      values.delete(first)
      first += 1
    },
    values: () => values.values(),
    page: ({ limit, starting_after, ending_before }, fits = () => true) => {
      if (ending_before !== null) {
        const newer = walk(cursor(ending_before, 'ending_before') + 1, 1, limit ?? LIMIT_DEFAULT, fits)
        return { ...newer, data: newer.data.toReversed() }
      }
      const from = starting_after === null ? next : cursor(starting_after, 'starting_after')
      return walk(from - 1, -1, limit ?? LIMIT_DEFAULT, fits)
    },
  }
}
