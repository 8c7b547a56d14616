import { Injectable } from '@nestjs/common';
import {
  amrWithPhone,
  Grants,
  Notices,
  OtpService,
  ProblemException,
  type StepUpGrant,
  VerifiedNumbers,
} from 'nestjs-phone-otp';
import { DataSource } from 'typeorm';

import type { Session } from '../session.entity.js';
import { Sessions } from '../sessions.js';
import { User } from '../user.entity.js';
import { hashPassword, passwordFits } from './hashing.js';
import { PasswordTries } from './password-tries.js';

/** A customer whose password was right: half of a login. */
export interface KnownByPassword {
  user: User;
  /** Canonical E.164; the ledger holds it as theirs. */
  phone: string;
}

/** No user has this id, so an unknown phone is looked up as a known one is. */
const NOBODY = '00000000-0000-0000-0000-000000000000';

@Injectable()
export class Passwords {
  constructor(
    private readonly dataSource: DataSource,
    private readonly otp: OtpService,
    private readonly grants: Grants,
    private readonly numbers: VerifiedNumbers,
    private readonly notices: Notices,
    private readonly sessions: Sessions,
    private readonly tries: PasswordTries,
  ) {}

  /** @throws the same 401 for a wrong password and for a phone that nobody has, after the same work */
  async check(typedPhone: string, password: string): Promise<KnownByPassword> {
    const { e164: phone } = this.otp.readPhone(typedPhone);
    await this.tries.take(phone);
    const owner = await this.numbers.ownerOf(phone);
    const user = await this.dataSource.manager.findOneBy(User, { id: owner ?? NOBODY });
    if (!(await passwordFits(password, user?.passwordHash)) || user === null) throw credentialsInvalid();
    await this.tries.clear(phone);
    return { user, phone };
  }

  /** The other half: uses a grant of the customer's phone, and opens a session with both factors. */
  login({ user }: KnownByPassword, grant: string, instead: Session | null): Promise<string> {
    return this.dataSource.transaction(async (manager) => {
      const { provedAt } = await this.grants.consume(grant, { purpose: 'second_factor', subject: user.id }, manager);
      const now = await manager.findOneOrFail(User, { where: { id: user.id }, lock: { mode: 'pessimistic_read' } });
      // It may have been reset since it was compared; then this session must not outlive those that the reset ended.
      if (now.passwordHash !== user.passwordHash) throw credentialsInvalid();
      return this.sessions.open({ userId: user.id, amr: amrWithPhone(['pwd']), authTime: provedAt, instead }, manager);
    });
  }

  /** A new password for whoever proved the account's phone. Whoever is signed in by then is so no longer. */
  reset(grant: StepUpGrant, password: string, locale?: string): Promise<void> {
    return this.dataSource.transaction(async (manager) => {
      const { phone } = await grant.consume(manager);
      await manager.update(User, grant.subject, { passwordHash: await hashPassword(password) });
      await this.sessions.endAll(grant.subject, manager);
      await this.tries.clear(phone, manager);
      this.notices.send('password_changed', phone, { manager, locale });
    });
  }
}

function credentialsInvalid(): ProblemException {
  const code = 'credentials_invalid';
  return new ProblemException(
    {
      type: `urn:demo-bank:problem:${code}`,
      title: 'Unauthorized',
      status: 401,
      code,
      detail: 'Phone or password is wrong.',
    },
    { 'WWW-Authenticate': 'Bearer' },
  );
}
