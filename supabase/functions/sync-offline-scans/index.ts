import { serve } from '../_shared/serve.ts'

serve('sync-offline-scans')
