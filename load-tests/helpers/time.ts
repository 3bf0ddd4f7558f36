/** What a promise comes to, or undefined where that takes longer: its timer does not hold the iteration open, as a race would. */
export function orLate<T>(promise: Promise<T>, seconds: number): Promise<T | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), seconds * 1000)
    void promise.then((value) => {
      clearTimeout(timer)
      resolve(value)
    })
  })
}

const MICROS_A_SECOND = 1_000_000

/** Microseconds since 1970 of a time with up to six digits behind the second. */
export function microsOf(time: string): number {
  const fraction = /\.(\d{1,6})/.exec(time)?.[1] ?? ''
  return Date.parse(time.replace(/\.\d+/, '')) * 1000 + Number(fraction.padEnd(6, '0'))
}

export function timeOf(micros: number): string {
  const seconds = Math.floor(micros / MICROS_A_SECOND)
  const fraction = String(micros - seconds * MICROS_A_SECOND).padStart(6, '0')
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${fraction}Z`
}
