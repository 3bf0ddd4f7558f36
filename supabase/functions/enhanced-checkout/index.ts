import { serve } from '../_shared/serve.ts'

serve('enhanced-checkout')
