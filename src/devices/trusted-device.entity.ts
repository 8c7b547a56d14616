import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** A device that an account trusts, with the state of its newest token. A device that is no longer trusted has no row. */
@Entity({ name: 'otp_trusted_devices' })
@Index(['account'])
@Index(['seriesHash'], { unique: true })
@Index(['expiresAt'])
export class TrustedDeviceRow {
  @PrimaryColumn({ name: 'id', type: 'uuid' })
  id: string;

  /** Your application's id of the account. */
  @Column({ name: 'account', type: 'text' })
  account: string;

  @Column({ name: 'label', type: 'text', nullable: true })
  label: string | null;

  /** SHA-256 of the constant half of the token. Only holders of a token of this device, current or earlier, know that half. */
  @Column({ name: 'series_hash', type: 'bytea' })
  seriesHash: Buffer;

  /** SHA-256 of the half that changes with each use. */
  @Column({ name: 'secret_hash', type: 'bytea' })
  secretHash: Buffer;

  /** The previous `secretHash`, which stays valid for a few seconds. */
  @Column({ name: 'previous_hash', type: 'bytea', nullable: true })
  previousHash: Buffer | null;

  @Column({ name: 'trusted_at', type: 'timestamptz' })
  trustedAt: Date;

  /** When the token was last rotated. */
  @Column({ name: 'last_used_at', type: 'timestamptz' })
  lastUsedAt: Date;

  @Column({ name: 'expires_at', type: 'timestamptz' })
  expiresAt: Date;
}
