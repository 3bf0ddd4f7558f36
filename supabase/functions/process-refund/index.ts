import { serve } from '../_shared/serve.ts'

serve('process-refund')
