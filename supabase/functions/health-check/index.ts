import { serve } from '../_shared/serve.ts'

serve('health-check')
