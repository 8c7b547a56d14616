import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Wrong codes over all subjects in ten minutes: one row. */
@Entity({ name: 'otp_wrong_codes' })
export class WrongCodes {
  @PrimaryColumn({ name: 'id', type: 'smallint' })
  id: number;

  @Column({ name: 'count', type: 'integer' })
  count: number;

  @Column({ name: 'ends_at', type: 'timestamptz' })
  endsAt: Date;
}
