import { AuditEntry } from './audit/audit-entry.entity.js';
import { Challenge } from './challenges/challenge.entity.js';
import { Send } from './delivery/send.entity.js';
import { TrustedDeviceRow } from './devices/trusted-device.entity.js';
import { Grant } from './grants/grant.entity.js';
import { Budget } from './limits/budget.entity.js';
import { KnownDevice } from './limits/known-device.entity.js';
import { Lockout } from './limits/lockout.entity.js';
import { SendCounter } from './limits/send-counter.entity.js';
import { SendingStopRow } from './limits/sending-stop.entity.js';
import { UnverifiedSend } from './limits/unverified-send.entity.js';
import { WrongCodes } from './limits/wrong-codes.entity.js';
import { VerifiedNumber } from './numbers/verified-number.entity.js';
import { RecoveryCode } from './recovery/recovery-code.entity.js';
import { Turn } from './database/turn.entity.js';

/** The entities of this package, for a data source that lists its entities by hand. */
export const OTP_ENTITIES = [
  Challenge,
  SendCounter,
  UnverifiedSend,
  Budget,
  Lockout,
  KnownDevice,
  SendingStopRow,
  WrongCodes,
  Turn,
  Grant,
  VerifiedNumber,
  Send,
  RecoveryCode,
  TrustedDeviceRow,
  AuditEntry,
];

export {
  AuditEntry,
  Challenge,
  Send,
  TrustedDeviceRow,
  Grant,
  Budget,
  KnownDevice,
  Lockout,
  SendCounter,
  SendingStopRow,
  UnverifiedSend,
  WrongCodes,
  VerifiedNumber,
  RecoveryCode,
  Turn,
};
export type { AuditEvent } from './audit/audit-entry.entity.js';
export type { ChallengeStatus, CheckedBy } from './challenges/challenge.entity.js';
export type { GrantSource } from './grants/grant.entity.js';
