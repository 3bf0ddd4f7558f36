import { check, sleep } from 'k6'

export const options = { iterations: 1, thresholds: { checks: ['rate==1'] } }

/** An interval whose user is busy ticks once after it, and not once for each time it missed. */
export default async function () {
  let ticks = 0
  const ticking = setInterval(() => {
    ticks += 1
  }, 2)
  sleep(0.3)
  await new Promise((done) => setTimeout(done, 0))
  clearInterval(ticking)
  check(ticks, { 'few ticks': (count) => count >= 1 && count < 20 })
}
