const NAME_LIKENESS_MIN = 0.75
const COMPARED_LENGTH_MAX = 200

/** What the text may have been meant to be, if anything is like enough. */
export function likeliest(
  text: string,
  candidates: Iterable<string>,
  likenessMin: number = NAME_LIKENESS_MIN,
): string | undefined {
  let best: string | undefined
  let bestLikeness = likenessMin
  for (const candidate of candidates) {
    const likeness = likenessOf(text, candidate)
    if (likeness >= bestLikeness && candidate !== text) [best, bestLikeness] = [candidate, likeness]
  }
  return best
}

/** 1 for equal texts, 0 for texts with nothing in common: how few letters must change. */
function likenessOf(left: string, right: string): number {
  const longest = Math.max(left.length, right.length)
  if (longest === 0 || longest > COMPARED_LENGTH_MAX) return 0
  let row = Array.from({ length: right.length + 1 }, (_, column) => column)
  for (let i = 1; i <= left.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= right.length; j += 1) {
      const changed = (row[j - 1] ?? 0) + (left[i - 1] === right[j - 1] ? 0 : 1)
      next.push(Math.min(changed, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return 1 - (row[right.length] ?? longest) / longest
}
