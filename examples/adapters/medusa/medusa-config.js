/** A Medusa as small as it gets: no admin pages, and the modules that it brings when nothing else is configured. */
const { defineConfig } = require('@medusajs/framework/utils')

module.exports = defineConfig({
  admin: { disable: true },
  projectConfig: {
    databaseUrl: process.env.DATABASE_URL,
    databaseDriverOptions: { connection: { ssl: false } },
    http: {
      jwtSecret: process.env.JWT_SECRET ?? 'only for a proof',
      cookieSecret: process.env.COOKIE_SECRET ?? 'only for a proof',
      storeCors: '',
      adminCors: '',
      authCors: '',
    },
  },
})
