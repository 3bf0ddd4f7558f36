import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import jsqr from 'jsqr'
import type { Browser, Page } from 'playwright-core'
import { qrSpelling } from '../../src/core/code-token.ts'
import { BROWSER_MS_MAX, noBrowser, openBrowser } from '../support/browser.ts'
import { CODES } from '../support/codes.ts'
import { type House, openHouse } from './open-house.ts'

const readQr = jsqr.default

const WIDTHS = {
  'a desktop': { viewport: { width: 1280, height: 900 } },
  'a phone': { viewport: { width: 390, height: 844 }, deviceScaleFactor: 3 },
}
/** What a camera does to a picture. */
const CAMERAS = {
  'as it is': { degrees: 0, filter: 'none' },
  'held askew': { degrees: 13, filter: 'none' },
  'upside down, blurred and dim': { degrees: 180, filter: 'blur(1px) brightness(0.5)' },
}

describe('the QR code of a ticket', { skip: noBrowser }, async () => {
  if (noBrowser !== false) return
  const house: House = await openHouse()
  const browser: Browser = await openBrowser()
  after(() => browser.close())

  for (const [where, options] of Object.entries(WIDTHS))
    it(`is read back from the screen of ${where} by a decoder that is not ours, and is the ticket's`, async () => {
      const event = await house.event({ priceCents: 0 })
      const context = await browser.newContext(options)
      context.setDefaultTimeout(BROWSER_MS_MAX)
      const page = await context.newPage()
      await page.goto(event.url)
      await page.getByLabel('Floor').fill('1')
      await page.getByLabel('Name').fill('Ada Lovelace')
      await page.getByLabel('E-mail').fill('ada@example.org')
      await page.getByRole('button', { name: /tickets/ }).click()
      await page.getByRole('heading', { level: 1, name: 'Your ticket' }).waitFor()
      const folder = process.env['SCREENSHOTS']
      if (folder !== undefined)
        await page.screenshot({ path: `${folder}/${where.slice(2)}.png`, fullPage: true })
      const code = await house.db.value<string>('select qr_code from tickets where tier_id = $1', [
        event.tierId,
      ])
      for (const [how, camera] of Object.entries(CAMERAS)) {
        const { data, width, height } = await pictureOf(page, '.code svg', camera)
        const read = readQr(data, width, height)
        assert.equal(read?.data, qrSpelling(CODES.token('ticket', event.eventId, code)), how)
        assert.equal(read?.version, 6)
        assert.deepEqual(
          read?.chunks.map(({ type }) => type),
          ['alphanumeric'],
          'it is packed as letters and digits',
        )
      }
      await context.close()
    })
})

interface Camera {
  readonly degrees: number
  readonly filter: string
}

/** As wide as a camera that is held away sees it. */
const PICTURE_WIDTH = 240

/** What is on the screen, as a camera has it: red, green, blue and alpha of every pixel. */
async function pictureOf(page: Page, selector: string, camera: Camera) {
  const png = (await page.locator(selector).screenshot()).toString('base64')
  const blank = await page.context().newPage()
  const { pixels, side } = await blank.evaluate(
    async ({ png, degrees, filter, width }) => {
      const image = new Image()
      image.src = `data:image/png;base64,${png}`
      await image.decode()
      const side = Math.ceil(1.5 * width)
      const canvas = document.createElement('canvas')
      canvas.width = side
      canvas.height = side
      const context = canvas.getContext('2d')
      if (context === null) throw new Error('no canvas')
      context.fillStyle = '#ddd'
      context.fillRect(0, 0, side, side)
      context.translate(side / 2, side / 2)
      context.rotate((degrees * Math.PI) / 180)
      context.filter = filter
      context.drawImage(image, -width / 2, -width / 2, width, width)
      const { data } = context.getImageData(0, 0, side, side)
      return { pixels: btoa(Array.from(data, (byte) => String.fromCharCode(byte)).join('')), side }
    },
    { png, ...camera, width: PICTURE_WIDTH },
  )
  await blank.close()
  return { data: new Uint8ClampedArray(Buffer.from(pixels, 'base64')), width: side, height: side }
}
