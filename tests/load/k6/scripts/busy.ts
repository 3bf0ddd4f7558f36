import http from 'k6/http'

/** Leaves nobody a turn any more. */
export default async function (): Promise<void> {
  await http.asyncRequest('GET', `${__ENV['BASE_URL']}/busy`)
  for (;;);
}
