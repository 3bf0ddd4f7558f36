/** A schedule: whose step comes next, as indexes of sessions. Each session's own steps stay in their order. */
export type Schedule = readonly number[]

/**
 * Every schedule of sessions with so many steps each. Preemption bounding: those with the fewest changes of session come first,
 * so that what fails is met early and small.
 */
export function schedulesOf(steps: readonly number[]): readonly Schedule[] {
  return interleave(steps).sort((a, b) => changesIn(a) - changesIn(b))
}

function interleave(steps: readonly number[]): Schedule[] {
  if (steps.every((left) => left === 0)) return [[]]
  return steps.flatMap((left, session) =>
    left === 0 ? [] : interleave(steps.with(session, left - 1)).map((rest) => [session, ...rest]),
  )
}

/** Changes of session. */
export function changesIn(schedule: Schedule): number {
  return schedule.filter((session, at) => at > 0 && schedule[at - 1] !== session).length
}
