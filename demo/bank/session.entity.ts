import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';

import { User } from './user.entity.js';

/** A login. Access tokens name it, and every request looks it up: ending it invalidates them. */
@Entity({ name: 'bank_sessions' })
@Index(['user'])
export class Session {
  @PrimaryColumn({ name: 'id', type: 'uuid' })
  id: string;

  @ManyToOne(() => User, { nullable: false, onDelete: 'CASCADE' })
  @JoinColumn({ name: 'user_id' })
  user: User;

  /** How the customer proved their identity, as RFC 8176 values. */
  @Column({ name: 'amr', type: 'text', array: true })
  amr: string[];

  @Column({ name: 'created_at', type: 'timestamptz', default: () => 'now()' })
  createdAt: Date;

  @Column({ name: 'ended_at', type: 'timestamptz', nullable: true })
  endedAt: Date | null;
}
