export const options = {
  scenarios: { outside: { executor: 'externally-controlled', vus: 1, duration: '1s' } },
}

export default function (): void {
  // Never runs.
}
