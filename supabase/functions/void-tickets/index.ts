import { serve } from '../_shared/serve.ts'

serve('void-tickets')
