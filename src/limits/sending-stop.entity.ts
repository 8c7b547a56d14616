import { Column, Entity, PrimaryColumn } from 'typeorm';

/** What is not to be sent. */
@Entity({ name: 'otp_sending_stops' })
export class SendingStopRow {
  /** Empty: any. */
  @PrimaryColumn({ name: 'region', type: 'text', collation: 'C' })
  region: string;

  /** Empty: any. */
  @PrimaryColumn({ name: 'provider', type: 'text', collation: 'C' })
  provider: string;

  /** Too few messages were verified, which stops strangers only. Otherwise an operator's word, which stops all. */
  @PrimaryColumn({ name: 'by_conversion', type: 'boolean' })
  byConversion: boolean;

  /** False: only told, nothing is stopped. */
  @Column({ name: 'enforced', type: 'boolean' })
  enforced: boolean;

  @Column({ name: 'since', type: 'timestamptz' })
  since: Date;

  @Column({ name: 'until', type: 'timestamptz' })
  until: Date;

  @Column({ name: 'reason', type: 'text', nullable: true })
  reason: string | null;
}
