import { serve } from '../_shared/serve.ts'

serve('create-checkout-session')
