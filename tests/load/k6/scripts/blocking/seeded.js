import { sleep } from 'k6'
import same from '../seeded.js'

export default function () {
  sleep(0.001)
  same()
}
