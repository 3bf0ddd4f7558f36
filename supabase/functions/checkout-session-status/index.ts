import { serve } from '../_shared/serve.ts'

serve('checkout-session-status')
