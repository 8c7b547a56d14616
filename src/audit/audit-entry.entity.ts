import { Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';

/** What happened, in the words of `OtpEvents` without their prefix. */
export type AuditEvent =
  | 'started'
  | 'resent'
  | 'limited' // a start or resend; the outcome names the counter that is full, or why the number may not confirm this
  | 'sent' // these three: what a provider answered, and `outcome` its word for it
  | 'failed'
  | 'unknown'
  | 'attempted' // a code that the provider checks: the attempt is spent, and the provider is asked
  | 'verified'
  | 'refused' // `outcome`: why
  | 'locked' // the challenge has had all its attempts
  | 'locked_out' // the subject, for a time or until an operator unlocks it
  | 'superseded'
  | 'cancelled'
  | 'unlocked'
  | 'grant_used'
  | 'number_activated'
  | 'number_transferred' // the account is the one that had it
  | 'number_changed' // the number is the one that was left; `outcome`: `changed_by_recovery`
  | 'number_released'
  | 'dormant_refused'
  | 'recovery_issued'
  | 'recovery_replaced' // used codes, by new ones in their places
  | 'recovery_used'
  | 'recovery_refused' // `outcome`: why
  | 'recovery_revoked'
  | 'device_trusted'
  | 'device_stolen' // one of its tokens came twice
  | 'devices_revoked'
  | 'sending_stopped' // these three: `outcome` is the region and `provider` the provider they are about, if any
  | 'sending_resumed'
  | 'conversion_low'
  | 'notice';

/**
 * One fact that nobody can change: the database refuses updates, and deletes of what is younger than 30 days. Holds no
 * code, MAC, handle, grant or number, and no text that somebody typed.
 */
@Entity({ name: 'otp_audit' })
@Index(['phoneHash', 'id'], { where: 'phone_hash IS NOT NULL' })
@Index(['account', 'id'], { where: 'account IS NOT NULL' })
@Index(['challengeId', 'id'], { where: 'challenge_id IS NOT NULL' })
export class AuditEntry {
  @PrimaryGeneratedColumn('identity', { name: 'id', type: 'bigint', generatedIdentity: 'ALWAYS' })
  id: string;

  /** By the clock of the database, in the function that made the fact. */
  @Column({ name: 'at', type: 'timestamptz', default: () => 'clock_timestamp()' })
  at: Date;

  @Column({ name: 'event', type: 'text' })
  event: AuditEvent;

  /** The result in one word: a provider's outcome, why something was refused, `decoy`. */
  @Column({ name: 'outcome', type: 'text', nullable: true })
  outcome: string | null;

  @Column({ name: 'purpose', type: 'text', nullable: true })
  purpose: string | null;

  /** The host's id of the account; null where there was none yet. */
  @Column({ name: 'account', type: 'text', nullable: true })
  account: string | null;

  /** Keyed hash of the number: 16 bytes. */
  @Column({ name: 'phone_hash', type: 'bytea', nullable: true })
  phoneHash: Buffer | null;

  /** What the facts of one challenge have in common; its grant's use included. */
  @Column({ name: 'challenge_id', type: 'uuid', nullable: true })
  challengeId: string | null;

  /** Whose limits paid. */
  @Column({ name: 'tier', type: 'text', nullable: true })
  tier: string | null;

  @Column({ name: 'provider', type: 'text', nullable: true })
  provider: string | null;
}
