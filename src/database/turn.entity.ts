import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Work that the instances do in turn, one for all of them. */
@Entity({ name: 'otp_turns' })
export class Turn {
  @PrimaryColumn({ name: 'work', type: 'text' })
  work: string;

  @Column({ name: 'taken_until', type: 'timestamptz' })
  takenUntil: Date;
}
