import { serve } from '../_shared/serve.ts'

serve('stripe-webhook')
