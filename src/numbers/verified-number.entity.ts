import { Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';

/** One binding of a number to an owner. Rows are history: a binding that ends is dated, never overwritten or removed. */
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

  /** The host's id of the account. */
  @Column({ name: 'owner', type: 'text' })
  owner: string;

  @Column({ name: 'verified_at', type: 'timestamptz' })
  verifiedAt: Date;

  /** The newest proof that the owner still holds the phone. */
  @Column({ name: 'last_proved_at', type: 'timestamptz' })
  lastProvedAt: Date;

  /** The purpose of the code that proved it. */
  @Column({ name: 'source', type: 'text' })
  source: string;

  /** Until then it confirms neither a password reset nor a transaction: it joined or replaced another number. */
  @Column({ name: 'held_until', type: 'timestamptz', nullable: true })
  heldUntil: Date | null;

  @Column({ name: 'released_at', type: 'timestamptz', nullable: true })
  releasedAt: Date | null;

  /** `changed`, `changed_by_recovery`, `transferred`, or what the host said. */
  @Column({ name: 'release_reason', type: 'text', nullable: true })
  releaseReason: string | null;
}
