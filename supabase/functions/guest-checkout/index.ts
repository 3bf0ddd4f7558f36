import { serve } from '../_shared/serve.ts'

serve('guest-checkout')
