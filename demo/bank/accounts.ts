import { Injectable } from '@nestjs/common';
import { Grants, OtpError, OtpService, VerifiedNumber, VerifiedNumbers } from 'nestjs-phone-otp';
import { randomUUID } from 'node:crypto';
import { DataSource, IsNull } from 'typeorm';

import { hashPassword } from './passwords.js';
import { Sessions } from './sessions.js';
import { User } from './user.entity.js';

/** What a code in a message proves; "mfa" it is not. */
const BY_SMS = ['otp', 'sms'];

/** How customers get in: with what the package proved about their phone. */
@Injectable()
export class Accounts {
  constructor(
    private readonly dataSource: DataSource,
    private readonly otp: OtpService,
    private readonly grants: Grants,
    private readonly numbers: VerifiedNumbers,
    private readonly sessions: Sessions,
  ) {}

  /**
   * Opens an account for the phone that a grant proved. Account, number, grant and session commit together or not at
   * all: whoever is refused because the number is taken still has the grant.
   */
  register(grant: string, { name, password }: { name: string; password: string }): Promise<string> {
    return this.dataSource.transaction(async (manager) => {
      const id = randomUUID();
      await this.numbers.activate(grant, id, manager);
      // Only now, since hashing is dear: nobody makes us do it without a grant.
      await manager.insert(User, { id, name, passwordHash: await hashPassword(password) });
      return this.sessions.open(id, BY_SMS, manager);
    });
  }

  /** Logs in whoever owns the phone that a grant proved. */
  async login(grant: string): Promise<string> {
    const { phone } = await this.grants.consume(grant, { purpose: 'login' });
    const owner = await this.numbers.ownerOf(phone);
    if (owner === null) throw new OtpError('grant_invalid', 'This grant cannot be used here. Verify a code again.');
    return this.sessions.open(owner, BY_SMS);
  }

  /** The same in one step. */
  async loginWithCode(challenge: string, code: string): Promise<string> {
    const { grant } = await this.otp.verify({ challenge, code, purpose: 'login' });
    return this.login(grant);
  }

  async phoneOf(userId: string): Promise<string | undefined> {
    const number = await this.dataSource.manager.findOneBy(VerifiedNumber, { owner: userId, releasedAt: IsNull() });
    return number?.phone;
  }
}
