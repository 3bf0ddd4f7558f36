import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { cart, openScene, type Scene, SECRET_KEY } from './stand-in-support.ts'

let scene: Scene
before(async () => {
  scene = await openScene()
})
after(() => scene[Symbol.asyncDispose]())

const CHUNK = new Uint8Array(64 * 1024).fill(0x78)
const CHUNKS = 100

/** Sends 6.4 MB without saying how much it will be, and counts how much of it was asked for. */
async function flood(path: string) {
  let asked = 0
  const body = new ReadableStream({
    pull: (controller) => {
      asked += 1
      if (asked > CHUNKS) controller.close()
      else controller.enqueue(CHUNK)
    },
  })
  const headers = { authorization: `Bearer ${SECRET_KEY}`, 'content-type': 'application/json' }
  const init = { method: 'POST', headers, body, duplex: 'half' } as const
  const response = await scene.fetch(new Request(scene.url + path, init))
  return { status: response.status, askedBytes: asked * CHUNK.length }
}

const ROOMS: readonly (readonly [room: string, path: string, bytesMax: number])[] = [
  ['the API', '/api.stripe.com/v1/refunds', 1024 * 1024],
  ['the control', '/stand-in/chaos', 10_000],
]

for (const [room, path, bytesMax] of ROOMS) {
  test(`${room} reads no more of a body than it takes`, async () => {
    const { status, askedBytes } = await flood(path)
    assert.equal(status, 400)
    assert.ok(askedBytes <= bytesMax + 3 * CHUNK.length, `${askedBytes} bytes`)
  })
}

test('the pay page reads no more of a body than it takes, whether or not there is a session', async () => {
  const { id } = await scene.stripe.checkout.sessions.create(cart())
  for (const [session, expected] of [
    [id, 400],
    ['cs_test_nobody', 404],
  ] as const) {
    const { status, askedBytes } = await flood(`/checkout.stripe.com/c/pay/${session}`)
    assert.equal(status, expected)
    assert.ok(askedBytes <= 4 * CHUNK.length, `${askedBytes} bytes`)
  }
})

test('a body that ends before its end is refused, and no bug', async () => {
  const body = new ReadableStream({ pull: (controller) => controller.error(new Error('gone')) })
  const headers = { authorization: `Bearer ${SECRET_KEY}` }
  const init = { method: 'POST', headers, body, duplex: 'half' } as const
  const response = await scene.fetch(new Request(`${scene.url}/api.stripe.com/v1/refunds`, init))
  assert.equal(response.status, 400)
})
