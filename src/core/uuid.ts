/** Any 8-4-4-4-12 hex string: scripts send ids that no UUID version has. */
export const UUID = /^[\da-f]{8}-([\da-f]{4}-){3}[\da-f]{12}$/i
