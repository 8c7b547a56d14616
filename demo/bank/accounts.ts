import { Injectable } from '@nestjs/common';
import { type OwnedNumber, PHONE_AMR, VerifiedNumbers } from 'nestjs-phone-otp';
import { randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';

import { hashPassword } from './passwords/hashing.js';
import type { Session } from './session.entity.js';
import { Sessions } from './sessions.js';
import { User } from './user.entity.js';

/** Customers and their phones. The package's ledger says who owns a phone. */
@Injectable()
export class Accounts {
  constructor(
    private readonly dataSource: DataSource,
    private readonly numbers: VerifiedNumbers,
    private readonly sessions: Sessions,
  ) {}

  /**
   * Opens an account for the phone that a grant proved. Account, number, grant and session commit together or not at
   * all: if the number is taken, the grant stays valid.
   */
  register(
    grant: string,
    { name, password }: { name: string; password: string },
    instead: Session | null,
  ): Promise<string> {
    return this.dataSource.transaction(async (manager) => {
      const id = randomUUID();
      await this.numbers.activate(grant, id, manager);
      // Hash only now: hashing is expensive, and without a grant nobody can trigger it.
      await manager.insert(User, { id, name, passwordHash: await hashPassword(password) });
      return this.sessions.open({ userId: id, amr: PHONE_AMR, authTime: new Date(), instead }, manager);
    });
  }

  /** Moves a customer to another phone. All other sessions end, including one on the old phone. */
  changeNumber(
    session: Session,
    grants: { currentNumberGrant: string; newNumberGrant: string },
    locale?: string,
  ): Promise<OwnedNumber> {
    const { id: sessionId, user } = session;
    return this.dataSource.transaction(async (manager) => {
      const number = await this.numbers.change(user.id, { ...grants, session: sessionId, locale }, manager);
      await this.sessions.endAll(user.id, manager, session);
      return number;
    });
  }
}
