import { v7 as uuidv7, validate as isUuid } from 'uuid';

import type { Database } from '../database/database.js';
import { hex } from '../database/hex.js';
import type { OtpTransaction } from '../database/transaction.js';
import { grantInvalid, type Proof } from '../grants/grants.js';
import { requireDate, requireObject, requireText } from '../errors/input.js';
import type { EventSink } from '../events/otp.events.js';
import type { OtpSettings } from '../config/options.js';
import { deviceTokenHashes, formatDeviceToken, newDeviceToken, parseDeviceToken } from './device-token.js';

/** A device on which an account does not have to prove its phone at each login. */
export interface TrustedDevice {
  id: string;
  /** The label passed to `trust`. */
  label: string | null;
  trustedAt: Date;
  lastUsedAt: Date;
  /** When the trust ends, regardless of use. */
  expiresAt: Date;
}

/** Input of `TrustedDevices.trust`. */
export interface NewTrust {
  /** The proof of a `second_factor` or `login` grant that was just used on this device. */
  proof: Proof;
  /** Name of the device in the account's list of devices, such as `Firefox on Linux`. */
  label?: string;
}

/** The result of `TrustedDevices.recognise`. */
export interface RecognisedDevice {
  device: TrustedDevice;
  /** Replaces the presented token, which is no longer valid. Absent if another tab has just received it: then keep the cookie. */
  token?: string;
}

interface Parts {
  database: Database;
  settings: OtpSettings;
  events: EventSink;
}

/** How long the previous token stays valid, for tabs that log in at the same time. */
const GRACE_SECONDS = 10;

/**
 * Trusted devices: after one login with both factors, they log in with the first factor only. They skip nothing else: they
 * yield no grant, so a transaction still requires its code. Optional.
 *
 * Store the token in a `__Host-` cookie with `HttpOnly`, `Secure` and `SameSite=Strict`. A password reset, a changed, released
 * or transferred number, and the first proof of a number end the trust in the same transaction. If your application replaces a
 * password in another way, call {@link TrustedDevices.revokeAll} there.
 */
export class TrustedDevices {
  /** @internal */
  constructor(private readonly parts: Parts) {}

  /**
   * Trusts the device that the account is logging in on, for `trustedDeviceDays`.
   * @param transaction the transaction that used the grant, if it is still open; without it, this call would wait for its end
   * @throws {@link OtpError} `grant_invalid` if the proof belongs to another account, is older than the last event that ended
   * the trust in the account's devices, or comes from a recovery code, which replaces a lost phone once and not for a month ·
   * `request_invalid` · `service_unavailable`
   */
  async trust(
    account: string,
    input: NewTrust,
    transaction?: OtpTransaction,
  ): Promise<{ token: string; device: TrustedDevice }> {
    requireText('account', account);
    const { proof, label } = input;
    requireObject('The proof', proof);
    const { subject, phone, source, purpose, provedAt, challengeId } = proof;
    const named = subject === account;
    if (source !== 'code' || !PROOFS.has(purpose) || !(named || subject === phone)) throw grantInvalid();
    requireDate('provedAt', provedAt);
    const { database, settings, events } = this.parts;
    const token = newDeviceToken();
    const { seriesHash, secretHash } = deviceTokenHashes(token);
    const answer = await database.call<Partial<DeviceAnswer>>(
      'trust_device',
      {
        id: uuidv7(),
        account,
        label: label === undefined ? null : requireText('label', label),
        series_hash: hex(seriesHash),
        secret_hash: hex(secretHash),
        days: settings.trustedDeviceDays,
        phone,
        proved_at: provedAt,
        challenge_id: challengeId,
        purpose,
        named,
        audit: settings.audit,
      },
      transaction,
    );
    if (!isDevice(answer)) throw grantInvalid();
    database.afterCommit(transaction, () => events.emit('otp.device_trusted', { account, device: answer.id }));
    return { token: formatDeviceToken(token), device: toDevice(answer) };
  }

  /**
   * Checks whether a token belongs to a trusted device of the account. Call it after the first factor is proved. Each token is
   * valid once: send the new one to the client. If an old token is presented again, two parties hold it, so the trust in the
   * device ends (`otp.device_stolen`). Only the previous token stays valid for 10 seconds, for a second tab.
   *
   * Never call it inside a transaction: a revocation must survive a rollback.
   * @returns null for every token that is not valid, of any type, and for a device of another account
   * @throws {@link OtpError} `request_invalid` · `service_unavailable` (then require the second factor)
   */
  async recognise(account: string, token: string): Promise<RecognisedDevice | null> {
    requireText('account', account);
    const shown = parseDeviceToken(token);
    if (!shown) return null;
    const { database, events, settings } = this.parts;
    const next = newDeviceToken(shown.series);
    const { seriesHash, secretHash } = deviceTokenHashes(shown);
    const answer = await database.call<Partial<DeviceAnswer> & { state?: DeviceState }>('recognise_device', {
      account,
      series_hash: hex(seriesHash),
      secret_hash: hex(secretHash),
      next_hash: hex(deviceTokenHashes(next).secretHash),
      grace_seconds: GRACE_SECONDS,
      audit: settings.audit,
    });
    if (!isDevice(answer)) return null;
    const { state } = answer;
    if (state === 'stolen') events.emit('otp.device_stolen', { account, device: answer.id });
    if (state === 'current') return { device: toDevice(answer), token: formatDeviceToken(next) };
    return state === 'previous' ? { device: toDevice(answer) } : null;
  }

  /** Returns the trusted devices of an account, most recently used first. */
  async list(account: string): Promise<TrustedDevice[]> {
    const request = { account: requireText('account', account) };
    const { devices } = await this.parts.database.call<{ devices: DeviceAnswer[] }>('list_devices', request);
    return devices.map(toDevice);
  }

  /** Ends the trust in one device. @returns whether the account trusted it */
  async revoke(account: string, id: string, transaction?: OtpTransaction): Promise<boolean> {
    requireText('account', account);
    return isUuid(id) && (await this.#revoke(account, id, transaction)) > 0;
  }

  /** Ends the trust in all devices of an account. @returns the number of devices */
  async revokeAll(account: string, transaction?: OtpTransaction): Promise<number> {
    return this.#revoke(requireText('account', account), undefined, transaction);
  }

  async #revoke(account: string, id: string | undefined, transaction?: OtpTransaction): Promise<number> {
    const { database, events, settings } = this.parts;
    const request = { account, id, audit: settings.audit };
    const { revoked: devices } = await database.call<{ revoked: number }>('revoke_devices', request, transaction);
    if (devices > 0) {
      database.afterCommit(transaction, () => events.emit('otp.devices_revoked', { account, devices }));
    }
    return devices;
  }
}

/** Purposes whose proof can make a device trusted. */
const PROOFS: ReadonlySet<string> = new Set(['second_factor', 'login']);

interface DeviceAnswer {
  id: string;
  label: string | null;
  trusted_at: string;
  last_used_at: string;
  expires_at: string;
}

/** `stolen`: an already replaced token was presented, so a copy of it exists; the device's row is deleted. */
type DeviceState = 'current' | 'previous' | 'expired' | 'stolen';

function isDevice<A extends Partial<DeviceAnswer>>(answer: A): answer is A & DeviceAnswer {
  return answer.id !== undefined;
}

function toDevice({ id, label, trusted_at, last_used_at, expires_at }: DeviceAnswer): TrustedDevice {
  return {
    id,
    label,
    trustedAt: new Date(trusted_at),
    lastUsedAt: new Date(last_used_at),
    expiresAt: new Date(expires_at),
  };
}
