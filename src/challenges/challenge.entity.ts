import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

import type { SenderTier } from '../limits/limit-definitions.js';

/**
 * State of a challenge, for people and logs; the database functions read `endedAt` only. States only move forward. The
 * outcome of each message is in `otp_sends`.
 */
export type ChallengeStatus =
  | 'pending' // its code can be verified
  | 'decoy' // nothing is sent, and no code matches
  | 'failed' // the provider rejected the message: nothing reached the phone
  | 'consumed'
  | 'locked'
  | 'superseded'
  | 'cancelled';

/** Who checks the code: this library by its MAC, the provider, or nobody (a decoy). */
export type CheckedBy = 'library' | 'provider' | 'nobody';

/** One issued code with its purpose, subject, phone, counters and expiry. Live while `endedAt` is null. */
@Entity({ name: 'otp_challenges' })
@Index(['phone', 'purpose', 'liveClient'], { unique: true, where: 'live_client IS NOT NULL' })
@Index(['phone', 'liveProvider'], { unique: true, where: 'live_provider IS NOT NULL' })
export class Challenge {
  /** Public half of the handle. UUID version 7, so new rows are adjacent in the index. */
  @PrimaryColumn({ name: 'id', type: 'uuid' })
  id: string;

  /** SHA-256 of the handle's secret half. */
  @Column({ name: 'handle_hash', type: 'bytea' })
  handleHash: Buffer;

  @Column({ name: 'purpose', type: 'text' })
  purpose: string;

  /** The account, which is the subject; null if the phone is the subject. */
  @Column({ name: 'account', type: 'text', nullable: true })
  account: string | null;

  /** Canonical E.164. */
  @Column({ name: 'phone', type: 'text' })
  phone: string;

  /** Keyed hash of the phone: 16 bytes. */
  @Column({ name: 'phone_hash', type: 'bytea' })
  phoneHash: Buffer;

  /** Keyed hash of the subject. Together with `tier` it selects the lockout that counts wrong codes. */
  @Column({ name: 'subject_hash', type: 'bytea' })
  subjectHash: Buffer;

  /** Sender tier whose limits the messages count against. */
  @Column({ name: 'tier', type: 'text' })
  tier: SenderTier;

  @Column({ name: 'region', type: 'text' })
  region: string;

  /** Keyed hash of the client that started it, if the client is known. */
  @Column({ name: 'client', type: 'bytea', nullable: true })
  client: Buffer | null;

  /** The client while the challenge is live: at most one live challenge per client, phone and purpose. */
  @Column({ name: 'live_client', type: 'bytea', nullable: true })
  liveClient: Buffer | null;

  /** The provider while the challenge is live, if it finds codes by phone only: at most one live challenge per phone. */
  @Column({ name: 'live_provider', type: 'text', nullable: true })
  liveProvider: string | null;

  /** Keyed hash of the signed-in account and session it is bound to; null if no account is signed in yet. */
  @Column({ name: 'session_binding', type: 'bytea', nullable: true })
  sessionBinding: Buffer | null;

  /** Digest of the confirmed record, see `Action`. */
  @Column({ name: 'action_digest', type: 'bytea', nullable: true })
  actionDigest: Buffer | null;

  /** The fields of the action that the message names, for a resend. */
  @Column({ name: 'action_shown', type: 'jsonb', nullable: true })
  actionShown: { amount: string; currency: string; payee: string } | null;

  /** Keys of its rows in `otp_unverified_sends`, one per message. On success, these messages count as verified. */
  @Column({ name: 'unverified_keys', type: 'bytea', array: true })
  unverifiedKeys: Buffer[];

  @Column({ name: 'locale', type: 'text' })
  locale: string;

  @Column({ name: 'provider', type: 'text' })
  provider: string;

  /** The provider's reference for the newest message. */
  @Column({ name: 'provider_ref', type: 'text', nullable: true })
  providerRef: string | null;

  @Column({ name: 'checked_by', type: 'text' })
  checkedBy: CheckedBy;

  /** HMAC-SHA-256 of the code, if this library checks it. */
  @Column({ name: 'code_mac', type: 'bytea', nullable: true })
  codeMac: Buffer | null;

  /** Id of the pepper that made the MAC. */
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

  /** When the newest message was handed to the provider. */
  @Column({ name: 'last_send_at', type: 'timestamptz' })
  lastSendAt: Date;

  @Column({ name: 'expires_at', type: 'timestamptz' })
  expiresAt: Date;

  @Column({ name: 'ended_at', type: 'timestamptz', nullable: true })
  endedAt: Date | null;
}
