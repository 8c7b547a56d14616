import { Injectable } from '@nestjs/common';
import { OtpError } from 'nestjs-phone-otp';
import { DataSource, type EntityManager } from 'typeorm';

import { PasswordAttemptCounter } from './password-attempt-counter.entity.js';

const ATTEMPTS_PER_HOUR = 10;

/**
 * Limits wrong passwords per phone and hour, across all addresses and instances. It blocks only the login by password:
 * customers locked out by a stranger's guesses log in by code.
 */
@Injectable()
export class PasswordAttempts {
  constructor(private readonly dataSource: DataSource) {}

  /** Counts an attempt before the password is compared; otherwise parallel attempts would all be compared. */
  async count(phone: string): Promise<void> {
    await this.#forgetOld();
    const taken: unknown[] = await this.dataSource.query(
      `INSERT INTO bank_password_attempts AS t (phone, attempts, ends_at)
       VALUES ($1, 1, clock_timestamp() + interval '1 hour')
       ON CONFLICT (phone) DO UPDATE SET
         attempts = CASE WHEN t.ends_at > clock_timestamp() THEN t.attempts + 1 ELSE 1 END,
         ends_at = CASE WHEN t.ends_at > clock_timestamp() THEN t.ends_at ELSE excluded.ends_at END
       WHERE t.ends_at <= clock_timestamp() OR t.attempts < ${ATTEMPTS_PER_HOUR}
       RETURNING phone`,
      [phone],
    );
    if (taken.length > 0) return;
    throw new OtpError('too_many_requests', 'Too many wrong passwords. Log in with a code instead.', {
      retryAfterSeconds: await this.#wait(phone),
    });
  }

  /** Resets the count: the password was right, or is new. */
  async clear(phone: string, manager: EntityManager = this.dataSource.manager): Promise<void> {
    await manager.delete(PasswordAttemptCounter, { phone });
  }

  async #wait(phone: string): Promise<number> {
    const [row] = await this.dataSource.query<{ seconds: number }[]>(
      `SELECT extract(epoch FROM ends_at - clock_timestamp())::float AS seconds FROM bank_password_attempts WHERE phone = $1`,
      [phone],
    );
    return row?.seconds ?? 1;
  }

  /** Deletes a few at a time, so that entries for unused phones do not pile up. */
  async #forgetOld(): Promise<void> {
    await this.dataSource.query(
      `DELETE FROM bank_password_attempts WHERE phone IN (
         SELECT phone FROM bank_password_attempts WHERE ends_at <= clock_timestamp() LIMIT 10 FOR UPDATE SKIP LOCKED)`,
    );
  }
}
