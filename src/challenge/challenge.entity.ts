import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** Where a challenge stands, for people and logs; the statements ask `endedAt` alone. States move forward only. */
export type ChallengeStatus =
  | 'decoy' // nothing is sent and no code fits
  | 'sending'
  | 'sent'
  | 'failed' // the vendor refused: nothing reached the phone
  | 'unknown' // the vendor's answer was lost: the code may arrive
  | 'consumed'
  | 'locked'
  | 'superseded'
  | 'cancelled';

/** Who compares what was typed: this module with its MAC, the vendor, or nobody, as for a decoy. */
export type Checker = 'module' | 'vendor' | 'nobody';

/** One issued code with its purpose, subject, phone, counters and expiry. Alive while `endedAt` is null. */
@Entity({ name: 'otp_challenges' })
@Index(['phone', 'purpose', 'client'], { unique: true, where: 'ended_at IS NULL AND client IS NOT NULL' })
@Index(['phone', 'vendorSlot'], { unique: true, where: 'ended_at IS NULL AND vendor_slot IS NOT NULL' })
export class Challenge {
  /** UUID version 7: new rows lie side by side in the index. Public half of the handle. */
  @PrimaryColumn({ name: 'id', type: 'uuid' })
  id: string;

  /** SHA-256 of the handle's secret half. */
  @Column({ name: 'handle_hash', type: 'bytea' })
  handleHash: Buffer;

  @Column({ name: 'purpose', type: 'text' })
  purpose: string;

  /** The account, or the canonical phone before there is one. */
  @Column({ name: 'subject', type: 'text' })
  subject: string;

  /** Whose budget pays for it. */
  @Column({ name: 'class', type: 'text' })
  class: string;

  /** The row of `otp_limits` that counts the wrong codes of this subject and class. */
  @Column({ name: 'gate_key', type: 'bytea' })
  gateKey: Buffer;

  /** Canonical E.164. */
  @Column({ name: 'phone', type: 'text' })
  phone: string;

  /** Keyed hash of the phone, for the audit. Null in challenges from before there was one. */
  @Column({ name: 'phone_hash', type: 'bytea', nullable: true })
  phoneHash: Buffer | null;

  @Column({ name: 'region', type: 'text' })
  region: string;

  /** Keyed hash of the client that started it, where the client is known. */
  @Column({ name: 'client', type: 'bytea', nullable: true })
  client: Buffer | null;

  /** Keyed hash of the signed-in account and session it is bound to; null where nobody is signed in yet. */
  @Column({ name: 'session_binding', type: 'bytea', nullable: true })
  sessionBinding: Buffer | null;

  /** Digest of what exactly is being confirmed, see `Action`. */
  @Column({ name: 'action_digest', type: 'bytea', nullable: true })
  actionDigest: Buffer | null;

  /** What of it the message names, for a resend. */
  @Column({ name: 'action_shown', type: 'jsonb', nullable: true })
  actionShown: { amount: string; currency: string; payee: string } | null;

  /** Limits that count unverified messages: a success gives their slots back. */
  @Column({ name: 'unverified_keys', type: 'bytea', array: true })
  unverifiedKeys: Buffer[];

  @Column({ name: 'locale', type: 'text' })
  locale: string;

  @Column({ name: 'provider', type: 'text' })
  provider: string;

  /** The vendor's own name for the newest attempt. */
  @Column({ name: 'provider_ref', type: 'text', nullable: true })
  providerRef: string | null;

  /** The provider, where it finds a code by phone alone and so can have one alive per phone; else null. */
  @Column({ name: 'vendor_slot', type: 'text', nullable: true })
  vendorSlot: string | null;

  @Column({ name: 'checker', type: 'text' })
  checker: Checker;

  /** HMAC-SHA-256 of the code, where this module checks it. */
  @Column({ name: 'code_mac', type: 'bytea', nullable: true })
  codeMac: Buffer | null;

  /** The pepper the MAC was made with. */
  @Column({ name: 'key_id', type: 'text' })
  keyId: string;

  @Column({ name: 'status', type: 'text' })
  status: ChallengeStatus;

  @Column({ name: 'tries', type: 'smallint', default: 0 })
  tries: number;

  @Column({ name: 'max_tries', type: 'smallint' })
  maxTries: number;

  @Column({ name: 'sends', type: 'smallint', default: 1 })
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
