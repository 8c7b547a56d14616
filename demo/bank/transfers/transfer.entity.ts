import type { Action } from 'nestjs-phone-otp';
import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';

import { User } from '../user.entity.js';

/** A transfer to a payee, executed once its customer confirms it. */
@Entity({ name: 'bank_transfers' })
@Index(['userId', 'createdAt'])
export class Transfer {
  @PrimaryColumn({ name: 'id', type: 'uuid' })
  id: string;

  @Column({ name: 'user_id', type: 'uuid' })
  userId: string;

  @ManyToOne(() => User, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'user_id' })
  user?: User;

  /** In minor units of the currency: never a float, never rounded. */
  @Column({ name: 'amount', type: 'bigint', transformer: { to: String, from: BigInt } })
  amount: bigint;

  /** ISO 4217. */
  @Column({ name: 'currency', type: 'text' })
  currency: string;

  @Column({ name: 'payee', type: 'text' })
  payee: string;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;

  /** Null while it awaits confirmation. */
  @Column({ name: 'executed_at', type: 'timestamptz', nullable: true })
  executedAt: Date | null;

  /** The action that the customer confirms. The code and its grant match nothing else. */
  get action(): Action {
    const { id, amount, currency, payee } = this;
    return { id: `transfer ${id}`, amount, currency, payee };
  }
}
