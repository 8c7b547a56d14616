import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Messages of this hour that nobody has verified yet, by owner, client address or prefix; and those that somebody has. */
@Entity({ name: 'otp_unverified_sends' })
export class UnverifiedSend {
  /** A keyed hash whose first byte is the kind: 1 owner, 2 address, 3 prefix. */
  @PrimaryColumn({ name: 'key', type: 'bytea' })
  key: Buffer;

  @Column({ name: 'unverified', type: 'integer' })
  unverified: number;

  @Column({ name: 'verified', type: 'integer' })
  verified: number;

  @Column({ name: 'ends_at', type: 'timestamptz' })
  endsAt: Date;
}
