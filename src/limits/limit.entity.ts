import { Column, Entity, PrimaryColumn } from 'typeorm';

/**
 * One counter and its window. The window opens with the first hit and ends at `endsAt`, so the wait is known exactly.
 * A subject's failure gate is such a row too, with `strikes` and `streak`; a known client is a row with `used` 1.
 */
@Entity({ name: 'otp_limits' })
export class Limit {
  /** Keyed hash of what is counted: 16 bytes. */
  @PrimaryColumn({ name: 'key', type: 'bytea' })
  key: Buffer;

  @Column({ name: 'used', type: 'integer' })
  used: number;

  /** The most `used` may be, as of the last hit. */
  @Column({ name: 'cap', type: 'integer' })
  cap: number;

  /** The last hit. */
  @Column({ name: 'at', type: 'timestamptz' })
  at: Date;

  @Column({ name: 'ends_at', type: 'timestamptz' })
  endsAt: Date;

  /** Pauses since the last success: each makes the next one longer. */
  @Column({ name: 'strikes', type: 'smallint', default: 0 })
  strikes: number;

  /** Failures since the last success, over all windows. */
  @Column({ name: 'streak', type: 'integer', default: 0 })
  streak: number;
}
