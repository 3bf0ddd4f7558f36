import { serve } from '../_shared/serve.ts'

serve('ticket-keys')
