import http from 'k6/http'

export const options = { vus: 1, duration: '10m' }

export default async function (): Promise<void> {
  await http.asyncRequest('GET', `${__ENV['BASE_URL']}/hang`)
}
