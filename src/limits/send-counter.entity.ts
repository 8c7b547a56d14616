import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Messages to a phone, or caused by an account, that one tier paid: a cooldown and two windows, which open with their first message. */
@Entity({ name: 'otp_send_counters' })
export class SendCounter {
  /** Keyed hash of the phone, the account, or (an owner's cooldown) account and purpose. */
  @PrimaryColumn({ name: 'party', type: 'bytea' })
  party: Buffer;

  @PrimaryColumn({ name: 'tier', type: 'text', collation: 'C' })
  tier: string;

  /** End of the cooldown; -infinity: none. */
  @Column({ name: 'next_send_at', type: 'timestamptz' })
  nextSendAt: Date;

  @Column({ name: 'hour_sends', type: 'integer' })
  hourSends: number;

  @Column({ name: 'hour_ends_at', type: 'timestamptz' })
  hourEndsAt: Date;

  @Column({ name: 'day_sends', type: 'integer' })
  daySends: number;

  @Column({ name: 'day_ends_at', type: 'timestamptz' })
  dayEndsAt: Date;
}
