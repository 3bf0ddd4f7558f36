/** A worker that serves for a moment, and dies. */
process.on('message', () => {
  process.send?.({ is: 'serving', serving: {} }, undefined, undefined, () => process.exit(9))
})
process.send?.({ is: 'here' })
