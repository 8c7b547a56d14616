import type { Database } from '../database/database.js';
import { hex } from '../database/hex.js';
import { type LimitName, refusalOf, type SenderTier } from '../limits/limit-definitions.js';
import type { Limits, SendContext } from '../limits/limits.js';
import type { ShownAction } from '../messages/message-renderer.js';
import { OtpError, type OtpErrorCode } from '../errors/otp.error.js';
import type { OtpSettings } from '../config/options.js';
import type { CheckedBy } from './challenge.entity.js';
import { codeFields, type IssuedCode } from '../delivery/deliveries.js';

/** A challenge to start. The {@link SendContext} and the code are passed separately. */
export interface NewChallenge {
  readonly id: string;
  readonly handleHash: Buffer;
  readonly locale: string;
  readonly client: Buffer | undefined;
  readonly sessionBinding: Buffer | null;
  readonly actionDigest: Buffer | null;
  readonly actionShown: ShownAction | undefined;
}

/** The two halves of a handle, as stored in the database. */
export interface StoredHandle {
  readonly id: string;
  readonly handleHash: Buffer;
}

/** A message that may be sent: every limit has a reservation for it, and its challenge is stored. */
export interface Reservation {
  readonly expiresAt: Date;
  readonly resendAt: Date;
  readonly tier: SenderTier;
  /** The challenge is a decoy: send nothing. */
  readonly decoy: boolean;
  /** Scopes whose conversion fell below the minimum with this message. */
  readonly alarms: readonly ConversionAlarm[];
  readonly sends: number;
}

/** A client address or prefix with too few verified messages. */
export interface ConversionAlarm {
  readonly limit: 'address' | 'prefix';
  readonly messages: number;
  readonly verified: number;
  /** Sending is blocked, not only reported. */
  readonly enforced: boolean;
}

/** A rejection by a limit. The limit's name is for operators: a private field, so no serializer exposes it to callers. */
export class LimitError extends OtpError {
  readonly #limit: LimitName;

  constructor(limit: LimitName, code: OtpErrorCode, message: string, retryAfterSeconds: number) {
    super(code, message, { retryAfterSeconds });
    this.#limit = limit;
  }

  get limit(): LimitName {
    return this.#limit;
  }
}

/** The database's answer to `start` and `resend`. */
interface ReserveAnswer {
  expires_at: string;
  resend_at: string;
  tier: SenderTier;
  decoy: boolean;
  alarms: ConversionAlarm[] | null;
  sends?: number;
  refused_by?: Refusal;
  retry_after: number | null;
}
type NumberRefusal = 'phone_missing' | 'phone_on_hold' | 'phone_unconfirmed';
type Refusal = LimitName | NumberRefusal | 'no_resend';

/** A challenge as found by {@link Challenges.find}. A resend needs it to determine the limits. */
export interface FoundChallenge {
  phone: string;
  region: string;
  purpose: string;
  account: string | null;
  has_client: boolean;
  locale: string;
  /** The provider of the previous message. */
  provider: string;
  action_shown: ShownAction | null;
  attempts: number;
  /** Recent wrong codes over all subjects. */
  wrong_codes: number | null;
}

/** What a provider needs to find a code it made. */
export interface ProviderCode {
  region: string;
  provider: string;
  provider_ref: string | null;
  sends: number;
}

/** The database's answer to an attempt. */
export interface Attempt {
  /** Why the attempt was rejected. For logs and events only. */
  refused_by?: string;
  retry_after: number | null;
  matched: boolean;
  grant_expires_at?: string;
  account: string | null;
  phone: string;
  purpose: string;
  /** Set if the provider checks the code. The attempt is spent; if the code is correct, {@link Challenges.settle} follows. */
  ask?: ProviderCode;
  /** For a decoy: the provider whose check duration it imitates. */
  waits_for?: string | null;
  attempts: number;
  max_attempts: number;
  /** Wrong codes of the subject in this hour, including this one. */
  failures: number;
  /** Wrong codes of the subject since its last success. */
  failures_in_a_row: number;
  /** Recent wrong codes over all subjects; null if none was counted. */
  wrong_codes?: number | null;
}

/** What a successful verification stores. */
export interface Success {
  readonly id: string;
  readonly grantHash: Buffer;
}

/** A client's live challenge, see {@link Challenges.pending}. */
interface PendingChallenge {
  id: string;
  handleHash: Buffer;
  expiresAt: Date;
  resendAt: Date;
}

/** Access to challenges: one method per database function. The rules are in `src/database/functions`. */
export class Challenges {
  readonly #audit: { audit?: true };

  constructor(
    private readonly database: Database,
    private readonly limits: Limits,
    private readonly settings: OtpSettings,
  ) {
    this.#audit = settings.audit ? { audit: true } : {};
  }

  /**
   * Stores a challenge and reserves its first message.
   * @throws {@link OtpError} `otp_too_soon`, `locked_out`, `send_unavailable`, `phone_missing`, `phone_on_hold`,
   * `phone_unconfirmed`, `service_unavailable`
   */
  async start(send: SendContext, challenge: NewChallenge, code: IssuedCode): Promise<Reservation> {
    const { id, handleHash, locale, client, sessionBinding, actionDigest, actionShown } = challenge;
    const { purpose, account, phone, phoneHash, subjectHash, region } = send;
    return this.#reserve('start', send, {
      id,
      handle_hash: hex(handleHash),
      purpose,
      phone,
      phone_hash: hex(phoneHash),
      subject_hash: hex(subjectHash),
      region,
      locale,
      ...(account !== null && { account }),
      ...(client && { client: hex(client) }),
      ...(sessionBinding && { session_binding: hex(sessionBinding) }),
      ...(actionDigest && { action_digest: hex(actionDigest) }),
      ...(actionShown && { action_shown: actionShown }),
      ...codeFields(code),
    });
  }

  /** @returns undefined if the challenge has ended or is unknown */
  async find(handle: StoredHandle, resends = false): Promise<FoundChallenge | undefined> {
    const found = await this.database.call<FoundChallenge>('find_challenge', {
      ...handleFields(handle),
      ...(resends && { resends, ...this.#audit }),
    });
    return found.phone === undefined ? undefined : found;
  }

  /**
   * Replaces the code and reserves another message.
   * @throws {@link OtpError} as {@link Challenges.start}, and `otp_unavailable` if the challenge allows no further message
   */
  resend(send: SendContext, handle: StoredHandle, code: IssuedCode): Promise<Reservation> {
    return this.#reserve('resend', send, {
      ...handleFields(handle),
      ...codeFields(code),
      max_sends: this.settings.maxSends,
    });
  }

  /** Counts an attempt and, if this library checks the code, compares it. */
  verify(
    attempt: Success & { handleHash: Buffer; purpose: string; sessionBinding: Buffer | null; codeMacs: Buffer[] },
  ): Promise<Attempt> {
    const { handleHash, purpose, sessionBinding, codeMacs } = attempt;
    const { failuresPerHour, failuresInARow, lockoutMinutes } = this.settings;
    return this.database.call('verify', {
      ...this.#success(attempt),
      handle_hash: hex(handleHash),
      purpose,
      ...(sessionBinding && { session_binding: hex(sessionBinding) }),
      code_macs: codeMacs.map(hex),
      failures_per_hour: failuresPerHour,
      failures_in_a_row: failuresInARow,
      lockout_minutes: lockoutMinutes,
    });
  }

  /**
   * Records that the provider found the code correct.
   * @param sendNumber the message whose code the provider checked
   * @returns when the grant expires; undefined if the challenge ended in the meantime
   */
  async settle(success: Success, sendNumber: number): Promise<Date | undefined> {
    const answer = await this.database.call<Attempt>('settle', { ...this.#success(success), send_number: sendNumber });
    return answer.grant_expires_at === undefined ? undefined : new Date(answer.grant_expires_at);
  }

  /** Records that the provider found the code wrong. @returns recent wrong codes over all subjects, including this one */
  async wrongCode(id: string): Promise<number> {
    return (await this.database.call<{ wrong_codes: number }>('wrong_code', { id, ...this.#audit })).wrong_codes;
  }

  /** @returns undefined if there was no live challenge to end */
  async cancel(handle: StoredHandle): Promise<(ProviderCode & { checked_by: CheckedBy; phone: string }) | undefined> {
    const answer = await this.database.call<ProviderCode & { checked_by: CheckedBy; phone: string }>('cancel', {
      ...handleFields(handle),
      ...this.#audit,
    });
    return answer.phone === undefined ? undefined : answer;
  }

  /** Finds the client's live challenge for an identical request. @returns undefined if there is none */
  async pending(
    { phone, purpose, cooldownSeconds }: SendContext,
    { client, sessionBinding, actionDigest }: NewChallenge,
  ): Promise<PendingChallenge | undefined> {
    const found = await this.database.call<{ id?: string; handle_hash: string; expires_at: string; resend_at: string }>(
      'pending',
      {
        phone,
        purpose,
        ...(client && { client: hex(client) }),
        ...(sessionBinding && { session_binding: hex(sessionBinding) }),
        ...(actionDigest && { action_digest: hex(actionDigest) }),
        cooldown_seconds: cooldownSeconds,
        ...this.#audit,
      },
    );
    if (found.id === undefined) return undefined;
    return {
      id: found.id,
      handleHash: Buffer.from(found.handle_hash, 'hex'),
      expiresAt: new Date(found.expires_at),
      resendAt: new Date(found.resend_at),
    };
  }

  async #reserve(operation: 'start' | 'resend', send: SendContext, own: object): Promise<Reservation> {
    const answer = await this.database.call<ReserveAnswer>(operation, this.limits.requestFor(send, own));
    if (answer.refused_by !== undefined) throw refusalError(answer.refused_by, answer.retry_after);
    return {
      expiresAt: new Date(answer.expires_at),
      resendAt: new Date(answer.resend_at),
      tier: answer.tier,
      decoy: answer.decoy,
      alarms: answer.alarms ?? [],
      sends: answer.sends ?? 1,
    };
  }

  #success({ id, grantHash }: Success) {
    const { grantTtlSeconds, knownDeviceDays } = this.settings;
    return {
      id,
      grant_hash: hex(grantHash),
      grant_seconds: grantTtlSeconds,
      known_device_days: knownDeviceDays,
      ...this.#audit,
    };
  }
}

const handleFields = ({ id, handleHash }: StoredHandle) => ({ id, handle_hash: hex(handleHash) });

/** The same error for every challenge that cannot be used, regardless of the reason. */
export function otpUnavailable(): OtpError {
  return new OtpError('otp_unavailable', 'This code can no longer be used. Start again.');
}

export function lockedOut(retryAfterSeconds: number): OtpError {
  return limited('locked_out', retryAfterSeconds);
}

/** A sending stop has no known end, so callers are told to retry after this time. */
const RETRY_STOP_SECONDS = 300;

function refusalError(by: Refusal, retryAfter: number | null): OtpError {
  const wait = Math.max(1, retryAfter ?? 1);
  switch (by) {
    case 'no_resend':
      return otpUnavailable();
    case 'phone_missing':
      return new OtpError(by, 'This account has no such verified number. Verify a number first.');
    case 'phone_on_hold':
      return new OtpError(by, 'This number was changed recently and cannot confirm this yet. Try again later.', {
        retryAfterSeconds: wait,
      });
    case 'phone_unconfirmed':
      return new OtpError(by, 'This number has not been verified for a long time. Verify it again first.');
    case 'stopped':
    case 'provider_stopped':
      return limited(by, RETRY_STOP_SECONDS);
    default:
      return limited(by, wait);
  }
}

const LIMITED = {
  otp_too_soon: 'No further message can be sent yet. Try again later.',
  locked_out: 'Too many wrong codes. Try again later.',
  send_unavailable: 'No message can be sent right now. Try again later.',
};

function limited(limit: LimitName, retryAfterSeconds: number): OtpError {
  const code = refusalOf(limit);
  return new LimitError(limit, code, LIMITED[code], retryAfterSeconds);
}
