import { existsSync } from 'node:fs'
import { type Browser, chromium, type Page } from 'playwright-core'

/** Where Debian and its kin keep it; CHROMIUM_PATH names another. */
const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

const executablePath = process.env['CHROMIUM_PATH'] || PLACES.find((place) => existsSync(place))

/** Why browser tests cannot run here; false where they can. */
export const noBrowser =
  executablePath === undefined ? 'no Chromium was found: install it, or name it in CHROMIUM_PATH' : false

/** How long the browser waits for anything: a page, an element, a click. */
export const BROWSER_MS_MAX = 20_000

/** A headless browser; close it when done. */
export function openBrowser(...more: readonly string[]): Promise<Browser> {
  return chromium.launch({
    executablePath: executablePath ?? '',
    // Chromium refuses root its sandbox; only our own pages are opened.
    chromiumSandbox: process.getuid?.() !== 0,
    args: ['--disable-gpu', '--disable-dev-shm-usage', ...more],
    timeout: BROWSER_MS_MAX,
  })
}

/** How much wider than the window a page is, in pixels: anything above 0 makes people scroll sideways. */
export function overflowOf(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
}

/** Texts whose contrast with what is behind them is below WCAG's AA: 4.5, or 3 for large ones. */
export function paleTextsOf(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const numbers = (color: string) => (color.match(/[\d.]+/g) ?? []).map(Number)
    const over = (top: number[], under: number[]) => {
      const alpha = top[3] ?? 1
      return [0, 1, 2].map((at) => (top[at] ?? 0) * alpha + (under[at] ?? 0) * (1 - alpha))
    }
    const behind = (element: Element | null): number[] => {
      if (element === null) return [255, 255, 255]
      const color = numbers(getComputedStyle(element).backgroundColor)
      return color[3] === 0 ? behind(element.parentElement) : over(color, behind(element.parentElement))
    }
    const luminance = (color: number[]) =>
      [0.2126, 0.7152, 0.0722].reduce((sum, weight, at) => {
        const part = (color[at] ?? 0) / 255
        return sum + weight * (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
      }, 0)
    const contrast = (element: Element) => {
      const ground = behind(element)
      const ink = over(numbers(getComputedStyle(element).color), ground)
      const [light = 0, dark = 0] = [luminance(ink), luminance(ground)].sort((a, b) => b - a)
      return (light + 0.05) / (dark + 0.05)
    }
    const isLarge = ({ fontSize, fontWeight }: CSSStyleDeclaration) =>
      Number.parseFloat(fontSize) >= (Number(fontWeight) >= 700 ? 18.66 : 24)
    return [...document.body.querySelectorAll('*:not(svg, svg *)')]
      .filter((element) =>
        [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent?.trim()),
      )
      .filter((element) => contrast(element) < (isLarge(getComputedStyle(element)) ? 3 : 4.5))
      .map((element) => `${contrast(element).toFixed(2)}: ${element.textContent?.trim().slice(0, 40)}`)
  })
}

/** The dark squares of a picture that is `size` squares wide and high, as they are on the screen. */
export async function squaresOf(page: Page, selector: string, size: number): Promise<boolean[][]> {
  const picture = (await page.locator(selector).screenshot()).toString('base64')
  const blank = await page.context().newPage()
  try {
    return await blank.evaluate(
      async ([source, count]) => {
        const image = new Image()
        image.src = `data:image/png;base64,${source}`
        await image.decode()
        const canvas = document.createElement('canvas')
        canvas.width = image.width
        canvas.height = image.height
        const context = canvas.getContext('2d')
        context?.drawImage(image, 0, 0)
        const at = (index: number, length: number) => Math.floor(((index + 0.5) * length) / count)
        const isDark = (x: number, y: number) =>
          (context?.getImageData(at(x, image.width), at(y, image.height), 1, 1).data[0] ?? 255) < 128
        return Array.from({ length: count }, (_, y) => Array.from({ length: count }, (_, x) => isDark(x, y)))
      },
      [picture, size] as const,
    )
  } finally {
    await blank.close()
  }
}
