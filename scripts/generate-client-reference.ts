/** Writes docs/client-reference.md: `node --import tsx scripts/generate-client-reference.ts`. */
import { writeFileSync } from 'node:fs';
import { clientReferencePage } from './client-reference.ts';

writeFileSync(new URL('../docs/client-reference.md', import.meta.url), clientReferencePage());
