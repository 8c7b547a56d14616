import { Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';

/** What happened: a name of `OtpEvents` without its prefix, where there is one. */
export type AuditEvent =
  | 'started'
  | 'resent'
  | 'limited' // a start or resend; `outcome` names the limit reached, or why the number cannot confirm this purpose
  | 'sent' // sent, failed and unknown: the provider's answer, with its outcome in `outcome`
  | 'failed'
  | 'unknown'
  | 'attempted' // for a code that the provider checks: the attempt is spent, and the provider is asked
  | 'verified'
  | 'refused' // `outcome`: the reason
  | 'locked' // the challenge has used all its attempts
  | 'locked_out' // the subject, for a time or until an operator unlocks it
  | 'superseded'
  | 'cancelled'
  | 'unlocked'
  | 'grant_used'
  | 'number_activated'
  | 'number_transferred' // `account` is the previous owner
  | 'number_changed' // the phone is the old number; `outcome`: `changed_by_recovery`
  | 'number_released'
  | 'dormant_refused'
  | 'recovery_issued'
  | 'recovery_replaced' // used codes were replaced by new ones
  | 'recovery_used'
  | 'recovery_refused' // `outcome`: the reason
  | 'recovery_revoked'
  | 'device_trusted'
  | 'device_stolen' // one of its tokens was presented twice
  | 'devices_revoked'
  | 'sending_stopped' // sending_stopped, sending_resumed and conversion_low: `outcome` is the region and `provider` the provider, if any
  | 'sending_resumed'
  | 'conversion_low'
  | 'notice';

/**
 * One immutable audit entry: the database rejects updates, and deletes of entries younger than 30 days. It contains no code,
 * MAC, handle, grant or phone number, and no user input.
 */
@Entity({ name: 'otp_audit' })
@Index(['phoneHash', 'id'], { where: 'phone_hash IS NOT NULL' })
@Index(['account', 'id'], { where: 'account IS NOT NULL' })
@Index(['challengeId', 'id'], { where: 'challenge_id IS NOT NULL' })
export class AuditEntry {
  @PrimaryGeneratedColumn('identity', { name: 'id', type: 'bigint', generatedIdentity: 'ALWAYS' })
  id: string;

  /** Database clock, read in the function that makes the change. */
  @Column({ name: 'at', type: 'timestamptz', default: () => 'clock_timestamp()' })
  at: Date;

  @Column({ name: 'event', type: 'text' })
  event: AuditEvent;

  /** The result as a keyword: a provider's outcome, the reason for a rejection, `decoy`. */
  @Column({ name: 'outcome', type: 'text', nullable: true })
  outcome: string | null;

  @Column({ name: 'purpose', type: 'text', nullable: true })
  purpose: string | null;

  /** Your application's id of the account; null if there was none yet. */
  @Column({ name: 'account', type: 'text', nullable: true })
  account: string | null;

  /** Keyed hash of the phone number: 16 bytes. */
  @Column({ name: 'phone_hash', type: 'bytea', nullable: true })
  phoneHash: Buffer | null;

  /** Shared by all entries of one challenge, including the use of its grant. */
  @Column({ name: 'challenge_id', type: 'uuid', nullable: true })
  challengeId: string | null;

  /** Sender tier whose limits the message counts against. */
  @Column({ name: 'tier', type: 'text', nullable: true })
  tier: string | null;

  @Column({ name: 'provider', type: 'text', nullable: true })
  provider: string | null;
}
