export function parseRows(text) {
  const [head, ...lines] = text
    .trim()
    .split('\n')
    .map((line) => line.split(','))
  return lines.map((values) => Object.fromEntries(head.map((name, at) => [name, values[at]])))
}

export function readSeats() {
  return JSON.parse(open('./seats.json'))
}
