import assert from 'node:assert/strict'
import { globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { mayBlock } from '../../../src/load/k6/runner/blocking.ts'

const folder = mkdtempSync(join(tmpdir(), 'admit-once-blocking-'))
after(() => rmSync(folder, { recursive: true }))

/** What a script says of the modules that have calls which block, and whether it may make one. */
const sources: readonly (readonly [blocks: boolean, source: string])[] = [
  [true, "import http from 'k6/http'; http.get('/')"],
  [true, 'import http from "k6/http"\nexport default () => http . post("/")'],
  [true, "import http from 'k6/http'; const method = 'get'; http[method]('/')"],
  [true, "import http from 'k6/http'; const { get } = http; get('/')"],
  [true, "import http from 'k6/http'; call(http)"],
  [true, "import * as web from 'k6/http'; web.batch([])"],
  [true, "import { get as fetch } from 'k6/http'"],
  [true, "import http, { asyncRequest, put } from 'k6/http'"],
  [true, "export { get } from 'k6/http'"],
  [true, "export * from 'k6/http'"],
  [true, "import { check, sleep } from 'k6'"],
  [true, "import k6 from 'k6'; k6.sleep(1)"],
  [true, "import {\n  check,\n  sleep,\n} from 'k6'"],
  [true, "import ws from 'k6/ws'"],
  [true, "import { visit } from './visit.js'"],
  [true, "import http from 'k6/http'; (await http.asyncRequest('GET', '/')).submitForm()"],
  [true, "import http from 'k6/http'; (await http.asyncRequest('GET', '/')).clickLink()"],
  [false, "import http from 'k6/http'; (await http.asyncRequest('GET', '/')).html('a')"],
  [true, "import { uuidv4 } from 'https://jslib.k6.io/k6-utils/1.4.0/index.js'"],
  [false, "import http from 'k6/http'; await http.asyncRequest('GET', 'http://localhost')"],
  [false, "import http from 'k6/http'; http.setResponseCallback(http.expectedStatuses(200))"],
  [false, "import http, { type Params } from 'k6/http'; const url = base.replace('http', 'ws')"],
  [false, "import { check, group as inGroup } from 'k6'"],
  [false, "import { sleep } from './sleep.js'"],
]

describe('a script may block', () => {
  writeFileSync(join(folder, 'visit.js'), "import { sleep } from 'k6'; export const visit = () => sleep(1)")
  writeFileSync(join(folder, 'sleep.js'), 'export const sleep = async () => undefined')
  for (const [at, [blocks, source]] of sources.entries()) {
    it(`${blocks ? 'here' : 'not here'}: ${source}`, () => {
      const file = join(folder, `${at}.js`)
      writeFileSync(file, source)
      assert.equal(mayBlock(file), blocks)
    })
  }

  it('and none of our scenarios does: they run inside Node, which is faster', () => {
    const files = globSync('load-tests/scenarios/*.ts')
    assert.ok(files.length > 5)
    assert.deepEqual(
      files.filter((file) => mayBlock(join(process.cwd(), file))),
      [],
    )
  })
})
