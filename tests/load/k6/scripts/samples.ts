import { Counter } from 'k6/metrics'

const seats = new Counter('seats')

export const options = { iterations: 20 }

export default function (): void {
  for (let seat = 0; seat < 1000; seat += 1) seats.add(1, { row: 'a row with quite a long name' })
}

/** Says when all of it was written. */
export function teardown(): void {
  console.log('written')
}
