import { Injectable } from '@nestjs/common';
import { OtpError } from 'nestjs-phone-otp';
import { DataSource, type EntityManager } from 'typeorm';

import { PasswordTryCounter } from './password-try-counter.entity.js';

const TRIES_PER_HOUR = 10;

/**
 * Few wrong passwords per phone and hour, from however many addresses and in however many instances. It closes this door
 * alone: whoever is kept out by a stranger's guesses logs in by code.
 */
@Injectable()
export class PasswordTries {
  constructor(private readonly dataSource: DataSource) {}

  /** Counts a try before the password is compared, or many at once would all be compared. */
  async take(phone: string): Promise<void> {
    await this.#forgetOld();
    const taken: unknown[] = await this.dataSource.query(
      `INSERT INTO bank_password_tries AS t (phone, tries, ends_at)
       VALUES ($1, 1, clock_timestamp() + interval '1 hour')
       ON CONFLICT (phone) DO UPDATE SET
         tries = CASE WHEN t.ends_at > clock_timestamp() THEN t.tries + 1 ELSE 1 END,
         ends_at = CASE WHEN t.ends_at > clock_timestamp() THEN t.ends_at ELSE excluded.ends_at END
       WHERE t.ends_at <= clock_timestamp() OR t.tries < ${TRIES_PER_HOUR}
       RETURNING phone`,
      [phone],
    );
    if (taken.length > 0) return;
    throw new OtpError('too_many_requests', 'The password was wrong too often. Log in with a code instead.', {
      retryAfterSeconds: await this.#wait(phone),
    });
  }

  /** The password was right, or is a new one. */
  async clear(phone: string, manager: EntityManager = this.dataSource.manager): Promise<void> {
    await manager.delete(PasswordTryCounter, { phone });
  }

  async #wait(phone: string): Promise<number> {
    const [row] = await this.dataSource.query<{ seconds: number }[]>(
      `SELECT extract(epoch FROM ends_at - clock_timestamp())::float AS seconds FROM bank_password_tries WHERE phone = $1`,
      [phone],
    );
    return row?.seconds ?? 1;
  }

  /** A few at a time: phones that nobody has must not pile up here. */
  async #forgetOld(): Promise<void> {
    await this.dataSource.query(
      `DELETE FROM bank_password_tries WHERE phone IN (
         SELECT phone FROM bank_password_tries WHERE ends_at <= clock_timestamp() LIMIT 10 FOR UPDATE SKIP LOCKED)`,
    );
  }
}
