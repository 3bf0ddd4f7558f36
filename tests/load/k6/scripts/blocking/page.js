import { sleep } from 'k6'
import same, { options } from '../page.js'

export { options }

export default function () {
  sleep(0.001)
  same()
}
