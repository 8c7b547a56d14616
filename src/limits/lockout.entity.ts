import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A subject with wrong codes since its last success. One without any has no row. */
@Entity({ name: 'otp_lockouts' })
export class Lockout {
  /** Keyed hash of the account, or of the phone where there is none. */
  @PrimaryColumn({ name: 'subject_hash', type: 'bytea' })
  subjectHash: Buffer;

  /** Of the challenge, or `recovery` for recovery codes. */
  @PrimaryColumn({ name: 'tier', type: 'text', collation: 'C' })
  tier: string;

  /** In the hour that ends at `failuresEndAt`. */
  @Column({ name: 'failures', type: 'integer' })
  failures: number;

  @Column({ name: 'failures_end_at', type: 'timestamptz' })
  failuresEndAt: Date;

  @Column({ name: 'failures_in_a_row', type: 'integer' })
  failuresInARow: number;

  /** Each lasts longer than the one before. */
  @Column({ name: 'lockout_count', type: 'smallint' })
  lockoutCount: number;

  /** -infinity: not yet; infinity: until `OtpOperations.unlock`. */
  @Column({ name: 'locked_until', type: 'timestamptz' })
  lockedUntil: Date;
}
