import http from 'k6/http'

export const options = { vus: 1, duration: '10m' }

export async function setup(): Promise<void> {
  if (__ENV['STAGE'] === 'setup') await hang()
}

export default async function (): Promise<void> {
  await hang()
}

async function hang(): Promise<void> {
  await http.asyncRequest('GET', `${__ENV['BASE_URL']}/hang`)
}
