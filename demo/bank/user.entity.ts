import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A customer. The phone is not stored here: the ledger of verified numbers says who owns it. */
@Entity({ name: 'bank_users' })
export class User {
  @PrimaryColumn({ name: 'id', type: 'uuid' })
  id: string;

  @Column({ name: 'name', type: 'text' })
  name: string;

  @Column({ name: 'password_hash', type: 'text' })
  passwordHash: string;

  @Column({ name: 'created_at', type: 'timestamptz', default: () => 'now()' })
  createdAt: Date;
}
