import { Injectable } from '@nestjs/common';
import {
  amrWithPhone,
  Grants,
  Notices,
  OtpService,
  OtpError,
  ProblemException,
  type Proof,
  RecoveryCodes,
  type StepUpGrant,
  TrustedDevices,
  VerifiedNumbers,
} from 'nestjs-phone-otp';
import type { Recovered } from 'nestjs-phone-otp/types';
import { DataSource, type EntityManager } from 'typeorm';

import type { DeviceToKeep } from '../devices/device-cookie.js';
import type { Session } from '../session.entity.js';
import { type Login, Sessions } from '../sessions.js';
import { User } from '../user.entity.js';
import { hashPassword, passwordFits } from './hashing.js';
import { PasswordAttempts } from './password-attempts.js';

/** A customer whose password was right: half of a login. */
export interface KnownByPassword {
  user: User;
  /** Canonical E.164; the ledger lists it as theirs. */
  phone: string;
}

/** The result of a login. */
export interface OpenedSession {
  accessToken: string;
  /** For the browser to keep, if this device is trusted. */
  device?: DeviceToKeep;
}

/** No user has this id, so an unknown phone takes the same look-up as a known one. */
const NOBODY = '00000000-0000-0000-0000-000000000000';

@Injectable()
export class Passwords {
  constructor(
    private readonly dataSource: DataSource,
    private readonly otp: OtpService,
    private readonly grants: Grants,
    private readonly numbers: VerifiedNumbers,
    private readonly notices: Notices,
    private readonly recovery: RecoveryCodes,
    private readonly devices: TrustedDevices,
    private readonly sessions: Sessions,
    private readonly attempts: PasswordAttempts,
  ) {}

  /** @throws the same 401 for a wrong password and for an unknown phone, after the same work */
  async check(typedPhone: string, password: string): Promise<KnownByPassword> {
    const { e164: phone } = this.otp.readPhone(typedPhone);
    await this.attempts.count(phone);
    const owner = await this.numbers.ownerOf(phone);
    const user = await this.dataSource.manager.findOneBy(User, { id: owner ?? NOBODY });
    if (!(await passwordFits(password, user?.passwordHash)) || user === null) throw credentialsInvalid();
    await this.attempts.clear(phone);
    return { user, phone };
  }

  /**
   * The second factor: uses a grant of the customer's phone, or of a recovery code, and opens a session with both
   * factors.
   * @param trust the name of this device, to trust it from now on
   */
  async login(
    customer: KnownByPassword,
    grant: string,
    { instead, trust }: { instead: Session | null; trust?: string | undefined },
  ): Promise<OpenedSession> {
    const { id } = customer.user;
    if (trust !== undefined && !/^[\x21-\x7e][\x20-\x7e]{0,59}$/.test(trust)) {
      throw new OtpError('request_invalid', '"Trust-Device" must be 1 to 60 plain characters.');
    }
    return this.dataSource.transaction(async (manager) => {
      const proof = await this.grants.consume(grant, { purpose: 'second_factor', subject: id }, manager);
      const { provedAt: authTime } = proof;
      const accessToken = await this.#open(customer, { amr: amrOf(proof), authTime, instead }, manager);
      if (trust === undefined) return { accessToken };
      const { token, device } = await this.devices.trust(id, { proof, label: trust }, manager);
      return { accessToken, device: { token, expiresAt: device.expiresAt } };
    });
  }

  /** Logs in with the password alone, on a trusted device. @returns null if the device is not trusted */
  async loginOn(
    deviceToken: string,
    customer: KnownByPassword,
    instead: Session | null,
  ): Promise<OpenedSession | null> {
    const recognised = await this.devices.recognise(customer.user.id, deviceToken);
    if (!recognised) return null;
    const { token, device } = recognised;
    const accessToken = await this.dataSource.transaction((manager) =>
      this.#open(customer, { amr: ['pwd'], authTime: new Date(), instead }, manager),
    );
    return { accessToken, ...(token !== undefined && { device: { token, expiresAt: device.expiresAt } }) };
  }

  /** Accepts a recovery code instead of the lost phone. */
  recover({ user }: KnownByPassword, code: string, locale?: string): Promise<Recovered> {
    return this.recovery.use(user.id, code, { purpose: 'second_factor', ...(locale && { locale }) });
  }

  /** Sets a new password after proof of the account's phone. Ends all sessions. */
  reset(grant: StepUpGrant, password: string, locale?: string): Promise<void> {
    return this.dataSource.transaction(async (manager) => {
      const { phone } = await grant.consume(manager);
      await manager.update(User, grant.subject, { passwordHash: await hashPassword(password) });
      await this.sessions.endAll(grant.subject, manager);
      await this.attempts.clear(phone, manager);
      this.notices.send('password_changed', phone, { manager, locale });
    });
  }

  /**
   * Check that the password was not replaced since it was compared: this session must not outlive those that the reset
   * ended.
   */
  async #open({ user }: KnownByPassword, login: Omit<Login, 'userId'>, manager: EntityManager): Promise<string> {
    const now = await manager.findOneOrFail(User, { where: { id: user.id }, lock: { mode: 'pessimistic_read' } });
    if (now.passwordHash !== user.passwordHash) throw credentialsInvalid();
    return this.sessions.open({ userId: user.id, ...login }, manager);
  }
}

/** A recovery code is also a one-time password of the customer, but not an SMS (RFC 8176 §2). */
function amrOf({ source }: Proof): string[] {
  return source === 'recovery' ? ['pwd', 'otp', 'mfa'] : amrWithPhone(['pwd']);
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
