import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

export type GrantSource = 'code' | 'recovery';

/** Single-use proof that a challenge was answered, bound to what it may be used for. */
@Entity({ name: 'otp_grants' })
@Index(['expiresAt'])
export class Grant {
  /** SHA-256 of the grant. */
  @PrimaryColumn({ name: 'hash', type: 'bytea' })
  hash: Buffer;

  @Column({ name: 'challenge_id', type: 'uuid' })
  challengeId: string;

  @Column({ name: 'purpose', type: 'text' })
  purpose: string;

  @Column({ name: 'subject', type: 'text' })
  subject: string;

  /** Canonical E.164 of the phone that was proved; of a recovery code, the number that it stands in for, or empty. */
  @Column({ name: 'phone', type: 'text' })
  phone: string;

  /** What it was won by: a `code` to the phone, or a `recovery` code, which proves no phone. */
  @Column({ name: 'source', type: 'text', default: 'code' })
  source: GrantSource;

  /** As in the challenge; null after a recovery code. */
  @Column({ name: 'phone_hash', type: 'bytea', nullable: true })
  phoneHash: Buffer | null;

  @Column({ name: 'session_binding', type: 'bytea', nullable: true })
  sessionBinding: Buffer | null;

  @Column({ name: 'action_digest', type: 'bytea', nullable: true })
  actionDigest: Buffer | null;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;

  @Column({ name: 'expires_at', type: 'timestamptz' })
  expiresAt: Date;

  @Column({ name: 'consumed_at', type: 'timestamptz', nullable: true })
  consumedAt: Date | null;
}
