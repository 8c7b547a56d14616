import { Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';

/** One binding of a number to an owner. Rows are history: an ended binding gets an end date and is never overwritten or removed. */
@Entity({ name: 'otp_verified_numbers' })
@Index(['phone'], { unique: true, where: 'released_at IS NULL' })
@Index(['phone', 'releasedAt'])
@Index(['owner'])
export class VerifiedNumber {
  @PrimaryGeneratedColumn('identity', { name: 'id', type: 'bigint', generatedIdentity: 'ALWAYS' })
  id: string;

  /** Canonical E.164. */
  @Column({ name: 'phone', type: 'text' })
  phone: string;

  /** Your application's id of the account. */
  @Column({ name: 'owner', type: 'text' })
  owner: string;

  @Column({ name: 'verified_at', type: 'timestamptz' })
  verifiedAt: Date;

  /** When the owner last proved to hold the phone. */
  @Column({ name: 'last_proved_at', type: 'timestamptz' })
  lastProvedAt: Date;

  /** Purpose of the code that proved the number. */
  @Column({ name: 'source', type: 'text' })
  source: string;

  /** End of the hold after the number joined or replaced another: until then it confirms neither a password reset nor a transaction. */
  @Column({ name: 'held_until', type: 'timestamptz', nullable: true })
  heldUntil: Date | null;

  @Column({ name: 'released_at', type: 'timestamptz', nullable: true })
  releasedAt: Date | null;

  /** `changed`, `changed_by_recovery`, `transferred`, or the value passed to `VerifiedNumbers.release`. */
  @Column({ name: 'release_reason', type: 'text', nullable: true })
  releaseReason: string | null;
}
