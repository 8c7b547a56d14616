import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

import type { SenderTier } from '../limits/limit-definitions.js';

/**
 * Where a challenge stands, for people and logs; the functions ask `endedAt` alone. States move forward only. What came of its
 * messages is in `otp_sends`.
 */
export type ChallengeStatus =
  | 'pending' // its code can be verified
  | 'decoy' // nothing is sent and no code fits
  | 'failed' // the provider refused: nothing reached the phone
  | 'consumed'
  | 'locked'
  | 'superseded'
  | 'cancelled';

/** Who compares what was typed: this library with its MAC, the provider, or nobody, as for a decoy. */
export type CheckedBy = 'library' | 'provider' | 'nobody';

/** One issued code with its purpose, subject, phone, counters and expiry. Alive while `endedAt` is null. */
@Entity({ name: 'otp_challenges' })
@Index(['phone', 'purpose', 'liveClient'], { unique: true, where: 'live_client IS NOT NULL' })
@Index(['phone', 'liveProvider'], { unique: true, where: 'live_provider IS NOT NULL' })
export class Challenge {
  /** UUID version 7: new rows lie side by side in the index. Public half of the handle. */
  @PrimaryColumn({ name: 'id', type: 'uuid' })
  id: string;

  /** SHA-256 of the handle's secret half. */
  @Column({ name: 'handle_hash', type: 'bytea' })
  handleHash: Buffer;

  @Column({ name: 'purpose', type: 'text' })
  purpose: string;

  /** The subject; without one, the phone is the subject. */
  @Column({ name: 'account', type: 'text', nullable: true })
  account: string | null;

  /** Canonical E.164. */
  @Column({ name: 'phone', type: 'text' })
  phone: string;

  /** Keyed hash of the phone: 16 bytes. */
  @Column({ name: 'phone_hash', type: 'bytea' })
  phoneHash: Buffer;

  /** Keyed hash of the subject. With `tier` it says whose lockout counts the wrong codes. */
  @Column({ name: 'subject_hash', type: 'bytea' })
  subjectHash: Buffer;

  /** Whose limits paid. */
  @Column({ name: 'tier', type: 'text' })
  tier: SenderTier;

  @Column({ name: 'region', type: 'text' })
  region: string;

  /** Keyed hash of the client that started it, where the client is known. */
  @Column({ name: 'client', type: 'bytea', nullable: true })
  client: Buffer | null;

  /** The client, while the challenge lives: one at a time for each phone and purpose. */
  @Column({ name: 'live_client', type: 'bytea', nullable: true })
  liveClient: Buffer | null;

  /** The provider, while the challenge lives, where that finds its codes by phone alone: one at a time for each phone. */
  @Column({ name: 'live_provider', type: 'text', nullable: true })
  liveProvider: string | null;

  /** Keyed hash of the signed-in account and session it is bound to; null where nobody is signed in yet. */
  @Column({ name: 'session_binding', type: 'bytea', nullable: true })
  sessionBinding: Buffer | null;

  /** Digest of what exactly is being confirmed, see `Action`. */
  @Column({ name: 'action_digest', type: 'bytea', nullable: true })
  actionDigest: Buffer | null;

  /** What of it the message names, for a resend. */
  @Column({ name: 'action_shown', type: 'jsonb', nullable: true })
  actionShown: { amount: string; currency: string; payee: string } | null;

  /** Its rows of `otp_unverified_sends`, one for each message: a success moves them to the verified ones. */
  @Column({ name: 'unverified_keys', type: 'bytea', array: true })
  unverifiedKeys: Buffer[];

  @Column({ name: 'locale', type: 'text' })
  locale: string;

  @Column({ name: 'provider', type: 'text' })
  provider: string;

  /** The provider's own name for the newest message. */
  @Column({ name: 'provider_ref', type: 'text', nullable: true })
  providerRef: string | null;

  @Column({ name: 'checked_by', type: 'text' })
  checkedBy: CheckedBy;

  /** HMAC-SHA-256 of the code, where this library checks it. */
  @Column({ name: 'code_mac', type: 'bytea', nullable: true })
  codeMac: Buffer | null;

  /** The pepper the MAC was made with. */
  @Column({ name: 'key_id', type: 'text' })
  keyId: string;

  @Column({ name: 'status', type: 'text' })
  status: ChallengeStatus;

  @Column({ name: 'attempts', type: 'smallint' })
  attempts: number;

  @Column({ name: 'max_attempts', type: 'smallint' })
  maxAttempts: number;

  @Column({ name: 'sends', type: 'smallint' })
  sends: number;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;

  /** When its newest message was handed over. */
  @Column({ name: 'last_send_at', type: 'timestamptz' })
  lastSendAt: Date;

  @Column({ name: 'expires_at', type: 'timestamptz' })
  expiresAt: Date;

  @Column({ name: 'ended_at', type: 'timestamptz', nullable: true })
  endedAt: Date | null;
}
