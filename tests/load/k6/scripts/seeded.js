import { randomSeed } from 'k6'

export default function () {
  randomSeed(7)
  console.log([Math.random(), Math.random()].join(' and '))
}
