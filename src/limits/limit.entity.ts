import { Column, Entity, PrimaryColumn } from 'typeorm';

/**
 * One counter and its window. The window opens with the first hit and ends at `endsAt`, so the wait is known exactly.
 * A subject's failure gate is such a row too, with `strikes` and `streak`; a known client is a row with `used` 1, and so is
 * a stop by an operator, which never ends by itself.
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

  /** Messages of this window that were verified, where `used` counts those that were not. */
  @Column({ name: 'verified', type: 'integer', default: 0 })
  verified: number;

  /** The least share of verified messages in percent, below which the counter is full; negative: below which it only tells. */
  @Column({ name: 'floor', type: 'smallint', default: 0 })
  floor: number;

  /** Of a stop: why, in the operator's words. */
  @Column({ name: 'reason', type: 'text', nullable: true })
  reason: string | null;
}
