import { serve } from '../_shared/serve.ts'

serve('create-ticket-checkout')
