import { registerHooks } from 'node:module'

export const CLIENT = new URL('../../src/client/index.ts', import.meta.url)

/** Examples name the client as who has installed the package does; here that is its source. */
registerHooks({
  resolve: (specifier, context, next) =>
    next(specifier === 'admit-once/client' ? CLIENT.href : specifier, context),
})
