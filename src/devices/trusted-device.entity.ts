import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** A device that an account trusts, in the state that its newest token left. One that is no longer trusted has no row. */
@Entity({ name: 'otp_trusted_devices' })
@Index(['account'])
@Index(['seriesHash'], { unique: true })
@Index(['expiresAt'])
export class TrustedDeviceRow {
  @PrimaryColumn({ name: 'id', type: 'uuid' })
  id: string;

  /** The host's id of the account. */
  @Column({ name: 'account', type: 'text' })
  account: string;

  @Column({ name: 'label', type: 'text', nullable: true })
  label: string | null;

  /** SHA-256 of the half of the token that stays: only who ever held a token of this device knows it. */
  @Column({ name: 'series_hash', type: 'bytea' })
  seriesHash: Buffer;

  /** SHA-256 of the half that is another after each use. */
  @Column({ name: 'secret_hash', type: 'bytea' })
  secretHash: Buffer;

  /** The one before, which is good for a moment longer. */
  @Column({ name: 'previous_hash', type: 'bytea', nullable: true })
  previousHash: Buffer | null;

  @Column({ name: 'trusted_at', type: 'timestamptz' })
  trustedAt: Date;

  /** When the token was rotated last. */
  @Column({ name: 'last_used_at', type: 'timestamptz' })
  lastUsedAt: Date;

  @Column({ name: 'expires_at', type: 'timestamptz' })
  expiresAt: Date;
}
