/** Figures as pages and terminals spell them. */

const numbers = new Intl.NumberFormat('en')

export function count(value: number): string {
  return numbers.format(Math.round(value))
}

/** Two digits that mean something below 10, whole ones above. */
export function milliseconds(value: number): string {
  return value < 10 ? value.toFixed(1) : count(value)
}

/** `12 %`, `0.37 %`: two digits that mean something. */
export function inPercent(share: number): string {
  const percent = share * 100
  return `${percent === 0 || percent >= 10 ? count(percent) : Number(percent.toPrecision(2))}\u00a0%`
}

/** `, +12 %`: by how much a figure is another; nothing where there was none. */
export function changeOf({
  before,
  now,
}: {
  readonly before: number | null
  readonly now: number | null
}): string {
  if (before === null || now === null || before === 0) return ''
  const share = Math.round(100 * (now / before - 1))
  return `, ${share > 0 ? '+' : ''}${share}\u00a0%`
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}

/** `2026-11-29 18:04:05 UTC` */
export function momentOf(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`
}
