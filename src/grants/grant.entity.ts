import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

export type GrantSource = 'code' | 'recovery';

/** Single-use proof that a challenge was answered, bound to what it may be used for. */
@Entity({ name: 'otp_grants' })
@Index(['consumedAt'], { where: `purpose = 'password_reset' AND consumed_at IS NOT NULL` })
export class Grant {
  /** That of the challenge; of a recovery code, one of the same form. */
  @PrimaryColumn({ name: 'id', type: 'uuid' })
  id: string;

  /** SHA-256 of the secret half. */
  @Column({ name: 'hash', type: 'bytea' })
  hash: Buffer;

  @Column({ name: 'purpose', type: 'text' })
  purpose: string;

  /** The account; null for one that was won by phone alone. */
  @Column({ name: 'account', type: 'text', nullable: true })
  account: string | null;

  /** Canonical E.164 of the phone that was proved; of a recovery code, the number that it stands in for, or empty. */
  @Column({ name: 'phone', type: 'text' })
  phone: string;

  /** What it was won by: a `code` to the phone, or a `recovery` code, which proves no phone. */
  @Column({ name: 'source', type: 'text' })
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
