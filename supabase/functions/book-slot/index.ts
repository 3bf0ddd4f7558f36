import { serve } from '../_shared/serve.ts'

serve('book-slot')
