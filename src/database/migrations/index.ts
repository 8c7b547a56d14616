import type { MigrationInterface } from 'typeorm';

import { Initial1764000000000 } from './1764000000000-initial.js';

/** The migrations of this package, in order. Add them to the data source's own. */
export const OTP_MIGRATIONS: (new () => MigrationInterface)[] = [Initial1764000000000];
