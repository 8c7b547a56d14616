import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Work that one instance does for all of them, by turns. */
@Entity({ name: 'otp_turns' })
export class Turn {
  @PrimaryColumn({ name: 'work', type: 'text' })
  work: string;

  @Column({ name: 'taken_until', type: 'timestamptz' })
  takenUntil: Date;
}
