import type { MigrationInterface } from 'typeorm';

import { Initial1764000000000 } from './1764000000000-initial.js';
import { StepUp1764200000000 } from './1764200000000-step-up.js';
import { AbuseControl1764503000000 } from './1764503000000-abuse-control.js';
import { Audit1764510000000 } from './1764510000000-audit.js';
import { RecoveryAndDevices1764520000000 } from './1764520000000-recovery-and-devices.js';

/** The migrations of this package, in order, to list among the data source's own. */
export const OTP_MIGRATIONS: (new () => MigrationInterface)[] = [
  Initial1764000000000,
  StepUp1764200000000,
  AbuseControl1764503000000,
  Audit1764510000000,
  RecoveryAndDevices1764520000000,
];
