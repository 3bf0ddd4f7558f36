import { serve } from '../_shared/serve.ts'

serve('validate-qr')
