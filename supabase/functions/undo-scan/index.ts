import { serve } from '../_shared/serve.ts'

serve('undo-scan')
