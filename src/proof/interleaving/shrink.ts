/**
 * Delta debugging (ddmin): the shortest list that still fails which is found by leaving parts out, halves first, then smaller
 * parts, then single steps, until nothing more can go. `fails` must answer the same for the same list; it is asked at most
 * `triesMax` times.
 */
export async function shrink<Step>(
  steps: readonly Step[],
  fails: (steps: readonly Step[]) => Promise<boolean>,
  triesMax = 500,
): Promise<readonly Step[]> {
  let kept = steps
  let tries = 0
  for (let size = Math.ceil(kept.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    let start = 0
    while (start < kept.length && tries < triesMax) {
      const shorter = [...kept.slice(0, start), ...kept.slice(start + size)]
      tries++
      // What can go lets the next part move to its place; once something went, earlier parts may go too.
      if (await fails(shorter)) kept = shorter
      else start += size
    }
  }
  return kept
}
