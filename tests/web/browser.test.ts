import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { encode } from 'uqr'
import { qrSpelling } from '../../src/core/code-token.ts'
import { untilWaiting } from '../../src/proof/interleaving/lock-waits.ts'
import {
  BROWSER_MS_MAX,
  noBrowser,
  openBrowser,
  overflowOf,
  paleTextsOf,
  squaresOf,
} from '../support/browser.ts'
import { CODES } from '../support/codes.ts'
import { type House, openHouse } from './open-house.ts'

const PHONE = { viewport: { width: 390, height: 844 } }
const DESKTOP = { viewport: { width: 1280, height: 800 } }

describe('a buyer with a browser', { skip: noBrowser }, async () => {
  if (noBrowser !== false) return
  const house: House = await openHouse()
  const browser: Browser = await openBrowser()
  after(() => browser.close())

  /** What the browser itself complained about: refused styles, frames, forms. */
  const complaints: string[] = []

  const visit = async (url: string, options: BrowserContextOptions = DESKTOP): Promise<Page> => {
    const context = await browser.newContext(options)
    context.setDefaultTimeout(BROWSER_MS_MAX)
    const page = await context.newPage()
    page.on('console', (message) => {
      if (/content security policy/i.test(message.text())) complaints.push(message.text())
    })
    await page.goto(url)
    return page
  }

  const choose = async (page: Page, quantity: string): Promise<void> => {
    await page.getByLabel('Floor').fill(quantity)
    await page.getByLabel('Name').fill('Ada Lovelace')
    await page.getByLabel('E-mail').fill('ada@example.org')
  }

  const buy = async (page: Page, quantity = '1'): Promise<void> => {
    await choose(page, quantity)
    await page.getByRole('button', { name: 'Buy tickets' }).click()
  }

  const pay = async (page: Page, card: string): Promise<void> => {
    await page.getByLabel('Card number').fill(card)
    await page.getByRole('button', { name: /^Pay €/ }).click()
  }

  /** Back from the payment, when the webhook was here. */
  const arrive = async (page: Page): Promise<void> => {
    await page.waitForURL(/\/orders\//)
    await house.delivered()
    await page.reload()
    await heading(page, 'Your ticket')
  }

  const heading = async (page: Page, name: string): Promise<void> => {
    try {
      await page.getByRole('heading', { level: 1, name }).waitFor()
    } catch (cause) {
      const shown = await page.getByRole('heading', { level: 1 }).allTextContents()
      throw new Error(`${page.url()} says ${JSON.stringify(shown)}, not ${JSON.stringify(name)}`, { cause })
    }
  }

  it('pays, waits on a page that looks again by itself, and gets a ticket whose code is the code', async () => {
    const event = await house.event()
    const page = await visit(house.url)
    await page.locator(`a[href="/events/${event.slug}"]`).click()
    await buy(page, '2')
    await pay(page, '4242 4242 4242 4242')
    await heading(page, 'Your tickets')
    const codes = await house.db.rows<{ event_id: string; qr_code: string }>(
      `select k.event_id, k.qr_code from tickets k where k.tier_id = $1 order by k.ordinal`,
      [event.tierId],
    )
    const token = qrSpelling(CODES.token('ticket', codes[1]?.event_id ?? '', codes[1]?.qr_code ?? ''))
    const { data, size } = encode(token, { ecc: 'M', border: 3 })
    assert.deepEqual(await squaresOf(page, 'li:nth-child(2) .code svg', size), data)
    assert.notDeepEqual(await squaresOf(page, 'li:nth-child(1) .code svg', size), data)
    assert.deepEqual(await house.orders(event.slug), [{ status: 'paid', total_cents: '5250' }])
  })

  it('is declined, stays on the payment, and pays with another card', async () => {
    const event = await house.event()
    const page = await visit(event.url, PHONE)
    await buy(page)
    await pay(page, '4000 0000 0000 0002')
    await page.getByRole('alert').waitFor()
    assert.match(page.url(), /checkout\.stripe\.com/)
    await pay(page, '4242 4242 4242 4242')
    await arrive(page)
    assert.deepEqual(await house.orders(event.slug), [{ status: 'paid', total_cents: '2625' }])
  })

  it('does all of it without JavaScript', async () => {
    const event = await house.event()
    const page = await visit(event.url, { ...PHONE, javaScriptEnabled: false })
    await buy(page)
    await pay(page, '4242 4242 4242 4242')
    await heading(page, 'Your ticket')
  })

  it('does all of it with the keyboard', async () => {
    const event = await house.event({ priceCents: 0 })
    const page = await visit(event.url)
    await page.getByLabel('Floor').focus()
    await page.keyboard.press('ControlOrMeta+A')
    await page.keyboard.type('2')
    for (const typed of ['Ada', 'ada@example.org']) {
      await page.keyboard.press('Tab')
      await page.keyboard.type(typed)
    }
    await page.keyboard.press('Tab')
    await page.keyboard.press('Space')
    await heading(page, 'Your tickets')
  })

  it('is told in the form, with the focus on it, when the last ticket went meanwhile', async () => {
    const event = await house.event({ total: 1, priceCents: 0 })
    const [slow, fast] = [await visit(event.url), await visit(event.url)]
    await buy(fast)
    await heading(fast, 'Your ticket')
    await buy(slow)
    assert.match((await slow.getByRole('alert').textContent()) ?? '', /Somebody was faster/)
    assert.equal(await slow.evaluate(() => document.activeElement?.getAttribute('role')), 'alert')
    assert.ok(await slow.getByText('Sold out').isVisible())
  })

  it('keeps what was typed when some of it is refused', async () => {
    const event = await house.event({ total: 5 })
    const page = await visit(event.url)
    await choose(page, '4')
    await buy(await visit(event.url), '3')
    await page.getByRole('button', { name: 'Buy tickets' }).click()
    await page.getByText('Only 2 left.').waitFor()
    assert.equal(await page.getByLabel('Floor').inputValue(), '4')
    assert.equal(await page.getByLabel('E-mail').inputValue(), 'ada@example.org')
    assert.equal(await page.getByLabel('Floor').getAttribute('aria-invalid'), 'true')
  })

  it('clicks again and again while the first click is at work, and has one order', async () => {
    const event = await house.event()
    const page = await visit(event.url)
    await choose(page, '1')
    const holder = await house.db.connect()
    await holder.query('begin')
    await holder.query('select from ticket_tiers where id = $1 for update', [event.tierId])
    await page.evaluate(() => {
      let clicks = 0
      const clicking = setInterval(() => {
        document.querySelector('button')?.click()
        clicks += 1
        if (clicks === 8) clearInterval(clicking)
      }, 100)
    })
    await untilWaiting(house.db, 2)
    await holder.query('commit')
    await pay(page, '4242 4242 4242 4242')
    await arrive(page)
    assert.equal((await house.orders(event.slug)).length, 1)
  })

  it('goes back, finds the order that waits, and buying again is that order', async () => {
    const event = await house.event()
    const page = await visit(event.url)
    await buy(page)
    await page.waitForURL(/\/checkout\.stripe\.com\//)
    const paying = page.url()
    await page.goBack()
    await page.getByText('Your tickets are held until').waitFor()
    await buy(page)
    await page.waitForURL(paying)
    assert.equal((await house.orders(event.slug)).length, 1)
    await page.goBack()
    await page.getByRole('link', { name: 'Continue with your order' }).click()
    await page.getByRole('link', { name: 'Pay €26.25' }).click()
    await page.waitForURL(paying)
  })

  it('prints one ticket a sheet', async () => {
    const event = await house.event({ priceCents: 0 })
    const page = await visit(event.url)
    await buy(page, '3')
    await heading(page, 'Your tickets')
    const paper = await page.pdf({ format: 'A4' })
    assert.equal(paper.toString('latin1').match(/\/Type\s*\/Page\b/g)?.length, 3)
  })

  for (const [name, window] of Object.entries({ phone: PHONE, desktop: DESKTOP })) {
    for (const colorScheme of ['light', 'dark'] as const) {
      it(`reads well on a ${name} in a ${colorScheme} room: nothing to scroll sideways, nothing pale`, async () => {
        const event = await house.event()
        const long = 'Donaudampfschifffahrtsgesellschaftskapitänskajütenbesichtigungsabend'
        await house.db.rows('update events set title = $2 where slug = $1', [event.slug, long])
        const page = await visit(house.url, { ...window, colorScheme })
        const looksRight = async (where: string) => {
          assert.equal(await overflowOf(page), 0, where)
          assert.deepEqual(await paleTextsOf(page), [], where)
        }
        await looksRight('the list of events')
        await page.goto(event.url)
        await looksRight('the event')
        await buy(page)
        await page.waitForURL(/\/checkout\.stripe\.com\//)
        await page.goBack()
        await looksRight('the event with a waiting order')
        await page.getByRole('link', { name: 'Continue with your order' }).click()
        await looksRight('the waiting order')
        await page.getByRole('link', { name: /^Pay / }).click()
        await pay(page, '4242 4242 4242 4242')
        await arrive(page)
        await looksRight('the ticket')
        await page.goto(`${house.url}/nothing`)
        await looksRight('the page that is missing')
      })
    }
  }

  it('sees what is pale, what is too wide, and what the policy of our pages refuses', async () => {
    const evil = '<p style="color:#999;background:#fff;width:3000px">hard to read</p>'
    const page = await visit('about:blank')
    await page.setContent(evil)
    assert.deepEqual(await paleTextsOf(page), ['2.85: hard to read'])
    assert.ok((await overflowOf(page)) > 0)
    const ours = await visit(house.url)
    const complained = ours.waitForEvent('console', (message) => /style-src/.test(message.text()))
    await ours.setContent(evil)
    await complained
    assert.equal(complaints.splice(0).length, 1)
  })

  it('had nothing to complain about, and met no bug of ours', () => {
    assert.deepEqual(complaints, [])
    assert.deepEqual(
      house.logged.filter((line) => line.includes('"level":"error"')),
      [],
    )
  })
})
