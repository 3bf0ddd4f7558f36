import type { Config } from '../config.ts'

/**
 * What one server may, divided: each of so many processes gets its part, at least 1, so that all of them together admit and open
 * what one does. Rates are not divided: their buckets are kept in one place, as a client's connection is with one process alone.
 */
export function shareOf(config: Config, workers: number): Config {
  const part = (whole: number) => Math.max(1, Math.floor(whole / workers))
  const parts = <Key extends string>(wholes: Readonly<Record<Key, number>>): Readonly<Record<Key, number>> =>
    Object.fromEntries(Object.entries<number>(wholes).map(([key, whole]) => [key, part(whole)])) as Record<
      Key,
      number
    >
  const { reading, sockets, places, pools, arrivingMax, arrivingPerAddress } = config
  return {
    ...config,
    reading: { ...reading, connectionsMax: part(reading.connectionsMax) },
    sockets: parts(sockets),
    places: parts(places),
    pools: parts(pools),
    arrivingMax: part(arrivingMax),
    arrivingPerAddress: part(arrivingPerAddress),
  }
}
