/** What the adapter asks Vendure, as GraphQL. Every mutation of the shop calls what it gives `result`. */

const OUTCOME = '... on Order { id state } ... on ErrorResult { errorCode message }'

export const SHOP = {
  addItem: `mutation ($variant: ID!) {
    result: addItemToOrder(productVariantId: $variant, quantity: 1) { ${OUTCOME} }
  }`,
  setCustomer: `mutation ($email: String!) {
    result: setCustomerForOrder(input: { firstName: "Ada", lastName: "Buyer", emailAddress: $email }) { ${OUTCOME} }
  }`,
  setAddress: `mutation {
    result: setOrderShippingAddress(
      input: { fullName: "Ada Buyer", streetLine1: "Street 1", city: "Berlin", postalCode: "10115", countryCode: "DE" }
    ) { ${OUTCOME} }
  }`,
  setShipping: `mutation ($method: ID!) {
    result: setOrderShippingMethod(shippingMethodId: [$method]) { ${OUTCOME} }
  }`,
  arrangePayment: `mutation {
    result: transitionOrderToState(state: "ArrangingPayment") {
      ${OUTCOME} ... on OrderStateTransitionError { transitionError }
    }
  }`,
  pay: `mutation ($method: String!) {
    result: addPaymentToOrder(input: { method: $method, metadata: {} }) {
      ${OUTCOME} ... on OrderStateTransitionError { transitionError }
    }
  }`,
} as const

export const ADMIN = {
  signIn: `mutation ($username: String!, $password: String!) {
    login(username: $username, password: $password) { __typename }
  }`,
  createProduct: `mutation ($name: String!) {
    product: createProduct(
      input: { translations: [{ languageCode: en, name: $name, slug: $name, description: "" }] }
    ) { id }
  }`,
  createVariant: `mutation ($product: ID!, $name: String!, $units: Int!) {
    variants: createProductVariants(
      input: [{
        productId: $product, sku: $name, price: 1000, stockOnHand: $units, trackInventory: TRUE
        translations: [{ languageCode: en, name: $name }]
      }]
    ) { id createdAt }
  }`,
  methods: `query {
    shipping: shippingMethods { items { id } }
    payment: paymentMethods(options: { filter: { enabled: { eq: true } } }) { items { code } }
  }`,
  stock: `query ($variant: ID!) {
    variant: productVariant(id: $variant) { stockLevels { stockOnHand stockAllocated } }
  }`,
  orders: `query ($since: DateTime!, $skip: Int!, $take: Int!) {
    orders(options: { filter: { createdAt: { after: $since } }, sort: { id: ASC }, skip: $skip, take: $take }) {
      items {
        id state createdAt orderPlacedAt totalWithTax
        customer { emailAddress }
        lines { quantity productVariant { id } }
        payments { id state amount }
      }
    }
  }`,
  cancel: `mutation ($order: ID!) {
    result: cancelOrder(input: { orderId: $order, reason: "admit-once", cancelShipping: true }) {
      ... on ErrorResult { errorCode message }
    }
  }`,
  deleteProduct: `mutation ($product: ID!) {
    deleteProduct(id: $product) { result }
  }`,
} as const
