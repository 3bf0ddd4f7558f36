import { serve } from '../_shared/serve.ts'

serve('gate-list')
