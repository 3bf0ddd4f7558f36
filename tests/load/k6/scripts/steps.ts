let steps = 0

export function step(): number {
  steps += 1
  return steps
}
