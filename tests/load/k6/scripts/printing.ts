export const options = { vus: 2, iterations: 4 }

export default function (): void {
  console.log(JSON.stringify({ user: __VU, share: '100%' }))
  console.warn('sold', 2)
}
