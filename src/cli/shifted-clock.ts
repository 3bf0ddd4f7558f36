// Imported before anything else by a server whose clock is to be wrong: by so many milliseconds, in its own address.
const shiftMs = Number(new URL(import.meta.url).searchParams.get('ms'))
const now = Date.now.bind(Date)

globalThis.Date = new Proxy(Date, {
  construct: (target, given, newTarget) =>
    Reflect.construct(target, given.length === 0 ? [now() + shiftMs] : given, newTarget),
  get: (target, name, receiver) =>
    name === 'now' ? () => now() + shiftMs : Reflect.get(target, name, receiver),
})
