import type { EntityManager } from 'typeorm';
import { v7 as uuidv7, validate as isUuid } from 'uuid';

import { grantInvalid, type Proof } from '../grant/grants.js';
import { requireObject, requireText } from '../input.js';
import { claimSql } from '../lifecycle/claim.sql.js';
import type { Database } from '../lifecycle/database.js';
import type { Tables } from '../lifecycle/tables.js';
import type { EventSink } from '../otp.events.js';
import type { OtpSettings } from '../otp.options.js';
import { deviceTokenHashes, formatDeviceToken, newDeviceToken, parseDeviceToken } from './device-token.js';
import { type DeviceRow, listSql, recogniseSql, revokeSql, trustSql } from './devices.sql.js';

/** A device on which an account need not prove its phone at each login. */
export interface TrustedDevice {
  id: string;
  /** What `trust` was told to call it. */
  label: string | null;
  trustedAt: Date;
  lastUsedAt: Date;
  /** The trust ends then, however often the device is used. */
  expiresAt: Date;
}

export interface NewTrust {
  /** What a grant of `second_factor` or `login` proved on this device just now. */
  proof: Proof;
  /** What the account sees in the list of its devices, such as `Firefox on Linux`. */
  label?: string;
}

export interface RecognisedDevice {
  device: TrustedDevice;
  /** Replaces the token that was shown, which is dead now. Absent where another tab was given it a moment ago: leave the cookie as it is. */
  token?: string;
}

interface Parts {
  database: Database;
  tables: Tables;
  settings: OtpSettings;
  events: EventSink;
}

/** How long the token before is still good, for tabs that come at the same time. */
const GRACE_SECONDS = 10;

/**
 * Devices that were used with both factors once, and then log in with the first alone. They skip nothing else: they are worth no
 * grant, so a transaction asks for its code as ever. Nobody needs to use them.
 *
 * The token belongs into a `__Host-` cookie: `HttpOnly`, `Secure`, `SameSite=Strict`. A password reset, a changed, released or
 * transferred number and the first proof of a number end the trust in the same transaction; where your application replaces a
 * password otherwise, call {@link TrustedDevices.revokeAll} there.
 */
export class TrustedDevices {
  readonly #sql;

  /** @internal */
  constructor(private readonly parts: Parts) {
    const { tables } = parts;
    this.#sql = {
      claim: claimSql(tables),
      trust: trustSql(tables),
      recognise: recogniseSql(tables),
      list: listSql(tables),
      revoke: revokeSql(tables),
    };
  }

  /**
   * Trusts the device that the account is logging in on, for `trustedDeviceDays`.
   * @param manager of the transaction that used the grant, if that is still open: without it this would wait for its end
   * @throws {@link OtpError} `grant_invalid` where the proof is not the account's, is older than what ended the trust in its
   * devices, or is a recovery code's: that is for whoever lost the phone, not for a month without it · `request_invalid` · `service_unavailable`
   */
  async trust(
    account: string,
    input: NewTrust,
    manager?: EntityManager,
  ): Promise<{ token: string; device: TrustedDevice }> {
    requireText('account', account);
    const { proof, label } = input;
    requireObject('The proof', proof);
    const { subject, phone, source, purpose, provedAt, challengeId } = proof;
    const named = subject === account;
    if (source !== 'code' || !PROOFS.has(purpose) || !(named || subject === phone)) throw grantInvalid();
    const { database, settings, events } = this.parts;
    if (manager === undefined) return database.transaction((own) => this.trust(account, input, own));

    const token = newDeviceToken();
    await database.run(this.#sql.claim, { account }, manager);
    const row = await database.run(
      this.#sql.trust,
      {
        id: uuidv7(),
        account,
        label: label === undefined ? null : requireText('label', label),
        ...deviceTokenHashes(token),
        days: settings.trustedDeviceDays,
        phone,
        provedAt,
        challengeId,
        purpose,
        named,
      },
      manager,
    );
    if (row === undefined) throw grantInvalid();
    database.afterCommit(manager, () => events.emit('otp.device_trusted', { account, device: row.id }));
    return { token: formatDeviceToken(token), device: trusted(row) };
  }

  /**
   * Whether a token is that of a device which the account trusts; ask once its first factor is proved. The token is good once:
   * hand the new one out. One that was handed in before is in two hands, so the device is trusted no more
   * (`otp.device_stolen`); only the last one is good for ten seconds longer, for a second tab.
   *
   * Never call it inside a transaction: what it ends must stay ended.
   * @returns null for every token that is no good, whatever it is, and for a device of another account
   * @throws {@link OtpError} `service_unavailable`: ask for the second factor then
   */
  async recognise(account: string, token: string): Promise<RecognisedDevice | null> {
    requireText('account', account);
    const shown = parseDeviceToken(token);
    if (!shown) return null;
    const { database, events } = this.parts;
    const next = newDeviceToken(shown.series);
    const { secretHash: nextHash } = deviceTokenHashes(next);
    const parameters = { account, ...deviceTokenHashes(shown), nextHash, graceSeconds: GRACE_SECONDS };
    const row = await database.run(this.#sql.recognise, parameters);
    if (row?.state === 'stolen') events.emit('otp.device_stolen', { account, device: row.id });
    if (row?.state === 'current') return { device: trusted(row), token: formatDeviceToken(next) };
    return row?.state === 'previous' ? { device: trusted(row) } : null;
  }

  /** The devices of an account, the one used last first. */
  async list(account: string): Promise<TrustedDevice[]> {
    const rows = await this.parts.database.rows(this.#sql.list, { account: requireText('account', account) });
    return rows.map(trusted);
  }

  /** @returns whether it was a device of the account */
  async revoke(account: string, id: string, manager?: EntityManager): Promise<boolean> {
    requireText('account', account);
    return isUuid(id) && (await this.#revoke(account, id, manager)) > 0;
  }

  /** @returns how many devices there were */
  async revokeAll(account: string, manager?: EntityManager): Promise<number> {
    return this.#revoke(requireText('account', account), null, manager);
  }

  async #revoke(account: string, id: string | null, manager?: EntityManager): Promise<number> {
    const { database, events } = this.parts;
    if (manager === undefined) return database.transaction((own) => this.#revoke(account, id, own));

    await database.run(this.#sql.claim, { account }, manager);
    const { revoked: devices } = (await database.run(this.#sql.revoke, { account, id }, manager))!;
    if (devices > 0) {
      database.afterCommit(manager, () => events.emit('otp.devices_revoked', { account, devices }));
    }
    return devices;
  }
}

/** Purposes of a login. */
const PROOFS: ReadonlySet<string> = new Set(['second_factor', 'login']);

function trusted({ id, label, trusted_at, last_used_at, expires_at }: DeviceRow): TrustedDevice {
  return { id, label, trustedAt: trusted_at, lastUsedAt: last_used_at, expiresAt: expires_at };
}
