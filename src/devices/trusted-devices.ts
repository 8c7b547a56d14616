import { v7 as uuidv7, validate as isUuid } from 'uuid';

import type { Database } from '../database/database.js';
import { hex } from '../database/hex.js';
import type { OtpTransaction } from '../database/transaction.js';
import { grantInvalid, type Proof } from '../grants/grants.js';
import { requireDate, requireObject, requireText } from '../errors/input.js';
import type { EventSink } from '../events/otp.events.js';
import type { OtpSettings } from '../config/options.js';
import { deviceTokenHashes, formatDeviceToken, newDeviceToken, parseDeviceToken } from './device-token.js';

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
  /** @internal */
  constructor(private readonly parts: Parts) {}

  /**
   * Trusts the device that the account is logging in on, for `trustedDeviceDays`.
   * @param transaction the one that used the grant, if that is still open: without it this would wait for its end
   * @throws {@link OtpError} `grant_invalid` where the proof is not the account's, is older than what ended the trust in its
   * devices, or is a recovery code's: that is for whoever lost the phone, not for a month without it · `request_invalid` · `service_unavailable`
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
    return { token: formatDeviceToken(token), device: trusted(answer) };
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
    if (state === 'current') return { device: trusted(answer), token: formatDeviceToken(next) };
    return state === 'previous' ? { device: trusted(answer) } : null;
  }

  /** The devices of an account, the one used last first. */
  async list(account: string): Promise<TrustedDevice[]> {
    const request = { account: requireText('account', account) };
    const { devices } = await this.parts.database.call<{ devices: DeviceAnswer[] }>('list_devices', request);
    return devices.map(trusted);
  }

  /** @returns whether it was a device of the account */
  async revoke(account: string, id: string, transaction?: OtpTransaction): Promise<boolean> {
    requireText('account', account);
    return isUuid(id) && (await this.#revoke(account, id, transaction)) > 0;
  }

  /** @returns how many devices there were */
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

/** Purposes of a login. */
const PROOFS: ReadonlySet<string> = new Set(['second_factor', 'login']);

interface DeviceAnswer {
  id: string;
  label: string | null;
  trusted_at: string;
  last_used_at: string;
  expires_at: string;
}

/** `stolen`: a token that was rotated out is in somebody else's hands, or this one is; the device is gone. */
type DeviceState = 'current' | 'previous' | 'expired' | 'stolen';

function isDevice<A extends Partial<DeviceAnswer>>(answer: A): answer is A & DeviceAnswer {
  return answer.id !== undefined;
}

function trusted({ id, label, trusted_at, last_used_at, expires_at }: DeviceAnswer): TrustedDevice {
  return {
    id,
    label,
    trustedAt: new Date(trusted_at),
    lastUsedAt: new Date(last_used_at),
    expiresAt: new Date(expires_at),
  };
}
