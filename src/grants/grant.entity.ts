import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

export type GrantSource = 'code' | 'recovery';

/** Single-use proof that a challenge was verified, bound to its purpose, account, session and action. */
@Entity({ name: 'otp_grants' })
@Index(['consumedAt'], { where: `purpose = 'password_reset' AND consumed_at IS NOT NULL` })
export class Grant {
  /** Id of the challenge. After a recovery code, a new id of the same form. */
  @PrimaryColumn({ name: 'id', type: 'uuid' })
  id: string;

  /** SHA-256 of the secret half. */
  @Column({ name: 'hash', type: 'bytea' })
  hash: Buffer;

  @Column({ name: 'purpose', type: 'text' })
  purpose: string;

  /** The account; null for a challenge started by phone only. */
  @Column({ name: 'account', type: 'text', nullable: true })
  account: string | null;

  /** The proved phone in canonical E.164. After a recovery code, the number it stands in for, or empty. */
  @Column({ name: 'phone', type: 'text' })
  phone: string;

  /** How it was obtained: by a `code` to the phone, or by a `recovery` code, which proves no phone. */
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
