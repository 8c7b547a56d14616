import { Column, Entity, PrimaryColumn } from 'typeorm';

/** One code of an account's current set. A new set overwrites the previous one; a new code overwrites the used code at its place. */
@Entity({ name: 'otp_recovery_codes' })
export class RecoveryCode {
  /** Your application's id of the account. */
  @PrimaryColumn({ name: 'account', type: 'text' })
  account: string;

  /** Position in the set, starting at 1. */
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
