/** A Vendure as small as it gets: one channel, one zone, free shipping, and a payment method that settles at once. */
import { bootstrap, dummyPaymentHandler } from '@vendure/core'
import { populate } from '@vendure/core/cli/index.js'

const config = {
  apiOptions: {
    port: Number(process.env.PORT ?? 3000),
    adminApiPath: 'admin-api',
    shopApiPath: 'shop-api',
    // Without a limit a page of orders is 1,000 of them.
    adminListQueryLimit: 1000,
  },
  authOptions: {
    tokenMethod: 'bearer',
    superadminCredentials: {
      identifier: process.env.SUPERADMIN_USERNAME ?? 'superadmin',
      password: process.env.SUPERADMIN_PASSWORD ?? 'superadmin',
    },
  },
  dbConnectionOptions: { type: 'postgres', url: process.env.DATABASE_URL, synchronize: true },
  paymentOptions: { paymentMethodHandlers: [dummyPaymentHandler] },
}

const initialData = {
  defaultLanguage: 'en',
  defaultZone: 'Europe',
  countries: [{ code: 'DE', name: 'Germany', zone: 'Europe' }],
  taxRates: [{ name: 'Standard Tax', percentage: 20 }],
  shippingMethods: [{ name: 'By e-mail', price: 0 }],
  paymentMethods: [
    {
      name: 'At once',
      handler: {
        code: 'dummy-payment-handler',
        arguments: [{ name: 'automaticSettle', value: 'true' }],
      },
    },
  ],
  collections: [],
}

if (process.argv[2] === 'seed') {
  const app = await populate(() => bootstrap(config), initialData)
  await app.close()
  process.exit()
} else await bootstrap(config)
