import { serve } from '../_shared/serve.ts'

serve('cancel-order')
