import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Messages and money of the whole service or of a region, split over shards, or every start would queue for one row. */
@Entity({ name: 'otp_budgets' })
export class Budget {
  /** Empty for the whole service, else the region. */
  @PrimaryColumn({ name: 'scope', type: 'text', collation: 'C' })
  scope: string;

  @PrimaryColumn({ name: 'shard', type: 'smallint' })
  shard: number;

  @Column({ name: 'minute_sends', type: 'integer' })
  minuteSends: number;

  @Column({ name: 'minute_ends_at', type: 'timestamptz' })
  minuteEndsAt: Date;

  @Column({ name: 'day_sends', type: 'integer' })
  daySends: number;

  /** Millionths of the currency. */
  @Column({ name: 'day_spend', type: 'bigint' })
  daySpend: string;

  /** Empty where there is no budget in money. */
  @Column({ name: 'currency', type: 'text' })
  currency: string;

  @Column({ name: 'day_ends_at', type: 'timestamptz' })
  dayEndsAt: Date;
}
