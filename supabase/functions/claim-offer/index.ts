import { serve } from '../_shared/serve.ts'

serve('claim-offer')
