import { ask, askWithBytes, refuse } from './bridge.ts'

/** Web APIs that k6 has and the engine has not. */
export function defineWeb(scope: Record<string, unknown>): void {
  scope['TextEncoder'] = class {
    readonly encoding = 'utf-8'
    encode(text: unknown = ''): Uint8Array {
      return new Uint8Array(ask('text.encode', String(text)) as ArrayBuffer)
    }
  }
  scope['TextDecoder'] = class {
    readonly encoding = 'utf-8'
    decode(bytes: ArrayBuffer | ArrayBufferView = new ArrayBuffer(0)): string {
      return String(askWithBytes('text.decode', bytes))
    }
  }
  scope['crypto'] = {
    randomUUID: () => ask('uuid'),
    getRandomValues: <T extends ArrayBufferView>(array: T): T => {
      const random = ask('crypto.random', array.byteLength) as ArrayBuffer
      new Uint8Array(array.buffer, array.byteOffset, array.byteLength).set(new Uint8Array(random))
      return array
    },
    get subtle(): never {
      return refuse('crypto.subtle', 'use crypto.randomUUID() or crypto.getRandomValues()')
    },
  }
}
