import { Column, Entity, PrimaryColumn } from 'typeorm';

/** One of the codes of an account's newest set. A new set takes the places of the one before, and a new code that of a used one. */
@Entity({ name: 'otp_recovery_codes' })
export class RecoveryCode {
  /** The host's id of the account. */
  @PrimaryColumn({ name: 'account', type: 'text' })
  account: string;

  /** From 1 on. */
  @PrimaryColumn({ name: 'place', type: 'smallint' })
  place: number;

  /** SHA-256 over account and code. */
  @Column({ name: 'hash', type: 'bytea' })
  hash: Buffer;

  @Column({ name: 'issued_at', type: 'timestamptz' })
  issuedAt: Date;

  @Column({ name: 'used_at', type: 'timestamptz', nullable: true })
  usedAt: Date | null;
}
