import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createCookieJar } from '../../../src/load/k6/runner/cookies.ts'
import { redirected } from '../../../src/load/k6/runner/redirect.ts'
import { maskedUrl, type Request } from '../../../src/load/k6/runner/request.ts'

const headers = {
  Authorization: 'Bearer secret',
  'www-authenticate': 'Basic',
  Cookie: 'a=1',
  Cookie2: '$Version=1',
  'Proxy-Authorization': 'Basic secret',
  Host: 'hall.example',
  'Content-Type': 'text/plain',
  'X-Seat': 'A1',
}

function requestTo(url: string, method = 'POST'): Request {
  return {
    url,
    method,
    body: { content: 'text', contentType: undefined },
    params: {
      headers,
      tags: {},
      timeoutMs: 1000,
      isExpected: null,
      responseType: 'text',
      redirectsMax: 10,
      jar: createCookieJar(),
      cookies: [{ name: 'seat', value: 'A1', replaces: false }],
      compression: [],
    },
  }
}

function follow(from: Request, location: string, status = 307, first = from): Request {
  const next = redirected(first, from, { status, rawHeaders: ['Location', location] })
  assert.ok(next)
  return next
}

describe('a redirect', () => {
  const start = requestTo('https://hall.example:8443/login?next=1#top')
  for (const [location, keeps] of [
    ['/account', ['Authorization', 'Cookie2', 'Host', 'Proxy-Authorization', 'www-authenticate']],
    ['https://hall.example/account', ['Authorization', 'Cookie2', 'Proxy-Authorization', 'www-authenticate']],
    ['https://my.hall.example/', ['Authorization', 'Cookie2', 'Proxy-Authorization', 'www-authenticate']],
    ['https://example/', []],
    ['https://nothall.example/', []],
    ['https://hall.example.evil.example/', []],
    ['//elsewhere.example/', []],
  ] as const) {
    it(`to ${location} takes along ${keeps.join(', ') || 'no credentials'}`, () => {
      const { params } = follow(start, location)
      const others = ['Content-Type', 'Referer', 'X-Seat']
      assert.deepEqual(Object.keys(params.headers).sort(), [...keeps, ...others].sort())
      assert.equal(params.cookies.length, keeps.length === 0 ? 0 : 1)
      assert.equal(params.headers['Referer'], 'https://hall.example:8443/login?next=1')
    })
  }

  it('that comes back from a foreign host brings no credentials with it', () => {
    const away = follow(start, 'https://elsewhere.example/')
    const back = follow(away, 'https://hall.example:8443/account', 307, start)
    assert.equal(back.params.headers['Authorization'], undefined)
    assert.deepEqual(back.params.cookies, [])
  })

  it('from https to http tells no referer, and no password ever', () => {
    assert.equal(follow(start, 'http://hall.example/').params.headers['Referer'], undefined)
    const open = requestTo('http://anna:secret@hall.example/')
    assert.equal(follow(open, '/account').params.headers['Referer'], 'http://hall.example/')
  })

  for (const [status, method, becomes] of [
    [301, 'GET', 'GET'],
    [301, 'POST', 'GET'],
    [302, 'PUT', 'GET'],
    [302, 'HEAD', 'HEAD'],
    [303, 'POST', 'GET'],
    [303, 'HEAD', 'HEAD'],
    [307, 'POST', 'POST with its body'],
    [308, 'DELETE', 'DELETE with its body'],
  ] as const) {
    it(`with ${status} makes of a ${method} a ${becomes}`, () => {
      const next = follow(requestTo('http://hall.example/', method), '/next', status)
      assert.equal(`${next.method}${next.body.content === 'text' ? ' with its body' : ''}`, becomes)
      assert.equal('Content-Type' in next.params.headers, next.body.content === 'text')
    })
  }

  it('is none without a place to go, or with another status', () => {
    assert.equal(redirected(start, start, { status: 302, rawHeaders: [] }), undefined)
    assert.equal(redirected(start, start, { status: 300, rawHeaders: ['Location', '/a'] }), undefined)
    assert.equal(redirected(start, start, { status: 304, rawHeaders: ['Location', '/a'] }), undefined)
  })
})

describe('an address in samples and in the log', () => {
  for (const [url, shown] of [
    ['http://anna:secret@hall.example/a?b=c@d', 'http://****:****@hall.example/a?b=c@d'],
    ['https://anna@hall.example/', 'https://****@hall.example/'],
    ['wss://a:b@c:d@hall.example', 'wss://****:****@hall.example'],
    ['http://hall.example/a@b', 'http://hall.example/a@b'],
    ['the page', 'the page'],
  ] as const) {
    it(`${url} is ${shown}`, () => assert.equal(maskedUrl(url), shown))
  }
})
