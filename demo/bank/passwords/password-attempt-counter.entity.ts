import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Passwords tried for a phone in the hour that ends here, whether or not an account has that phone. */
@Entity({ name: 'bank_password_attempts' })
export class PasswordAttemptCounter {
  /** Canonical E.164. */
  @PrimaryColumn({ name: 'phone', type: 'text' })
  phone: string;

  @Column({ name: 'attempts', type: 'int' })
  attempts: number;

  @Column({ name: 'ends_at', type: 'timestamptz' })
  endsAt: Date;
}
