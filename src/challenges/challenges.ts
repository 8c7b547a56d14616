import type { Database } from '../database/database.js';
import { hex } from '../database/hex.js';
import type { LimitName, Limits, SendContext, SenderTier } from '../limits/limits.js';
import type { ShownAction } from '../messages/message-renderer.js';
import { OtpError, type OtpErrorCode } from '../errors/otp.error.js';
import type { OtpSettings } from '../config/options.js';
import type { CheckedBy } from './challenge.entity.js';
import { codeFields, type IssuedCode } from '../delivery/deliveries.js';

/** A challenge to start, beside who sends it to whom and its code. */
export interface NewChallenge {
  readonly id: string;
  readonly handleHash: Buffer;
  readonly locale: string;
  readonly client: Buffer | undefined;
  readonly sessionBinding: Buffer | null;
  readonly actionDigest: Buffer | null;
  readonly actionShown: ShownAction | undefined;
}

/** The two halves of a handle, as the database knows them. */
export interface StoredHandle {
  readonly id: string;
  readonly handleHash: Buffer;
}

/** A message that may now be sent: it was taken from every limit, and its challenge is stored. */
export interface Reserved {
  readonly expiresAt: Date;
  readonly resendAt: Date;
  readonly tier: SenderTier;
  /** Nothing is to be sent. */
  readonly decoy: boolean;
  /** Of what, with this message, too few messages were verified. */
  readonly alarms: readonly ConversionAlarm[];
  readonly sends: number;
}

export interface ConversionAlarm {
  readonly limit: 'address' | 'prefix';
  readonly messages: number;
  readonly verified: number;
  /** Closed, and not only told. */
  readonly enforced: boolean;
}

/** A refusal by a limit. Which one is for operators: no serializer finds it, so no caller does. */
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

/** What start and resend answer. */
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

/** What a resend needs to know of a challenge before it can name the limits. */
export interface FoundChallenge {
  phone: string;
  region: string;
  purpose: string;
  account: string | null;
  has_client: boolean;
  locale: string;
  /** Who brought the message before. */
  provider: string;
  action_shown: ShownAction | null;
  attempts: number;
  /** Wrong codes over all subjects lately. */
  wrong_codes: number | null;
}

/** What the provider of a code must be told to find it. */
export interface ProviderCode {
  region: string;
  provider: string;
  provider_ref: string | null;
  sends: number;
}

/** What an attempt answers. */
export interface Attempt {
  /** Why none was made. For logs and events only. */
  refused_by?: string;
  retry_after: number | null;
  matched: boolean;
  grant_expires_at?: string;
  account: string | null;
  phone: string;
  purpose: string;
  /** Set where the provider is to judge. The attempt is spent; {@link Challenges.settle} follows if it says yes. */
  ask?: ProviderCode;
  /** Of a decoy: the provider whose check it should last as long as. */
  waits_for?: string | null;
  attempts: number;
  max_attempts: number;
  /** Wrong codes of the subject in this hour, this one included. */
  failures: number;
  /** Since its last success. */
  failures_in_a_row: number;
  /** Over all subjects lately; null where none was counted. */
  wrong_codes?: number | null;
}

/** What a success needs, beside the challenge. */
export interface Success {
  readonly id: string;
  readonly grantHash: Buffer;
}

/** The challenge that a client already has, see {@link Challenges.pending}. */
interface PendingChallenge {
  id: string;
  handleHash: Buffer;
  expiresAt: Date;
  resendAt: Date;
}

/** The life of a challenge: one method for each function in `src/database/functions`, where it is told. */
export class Challenges {
  readonly #audit: { audit?: true };

  constructor(
    private readonly database: Database,
    private readonly limits: Limits,
    private readonly settings: OtpSettings,
  ) {
    this.#audit = settings.audit ? { audit: true } : {};
  }

  /** @throws {@link OtpError} `otp_too_soon`, `locked_out`, `send_unavailable`, `phone_missing`, `phone_on_hold`, `phone_unconfirmed`, `service_unavailable` */
  async start(send: SendContext, challenge: NewChallenge, code: IssuedCode): Promise<Reserved> {
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

  /** @returns undefined where it is over or unknown */
  async find(handle: StoredHandle, resends = false): Promise<FoundChallenge | undefined> {
    const found = await this.database.call<FoundChallenge>('find_challenge', {
      ...handleFields(handle),
      ...(resends && { resends, ...this.#audit }),
    });
    return found.phone === undefined ? undefined : found;
  }

  /** @throws {@link OtpError} as {@link Challenges.start}, and `otp_unavailable` when the challenge can have no further message */
  resend(send: SendContext, handle: StoredHandle, code: IssuedCode): Promise<Reserved> {
    return this.#reserve('resend', send, {
      ...handleFields(handle),
      ...codeFields(code),
      max_sends: this.settings.maxSends,
    });
  }

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

  /** The provider said yes. @param sendNumber the message whose code it was asked about. @returns undefined when the challenge ended meanwhile */
  async settle(success: Success, sendNumber: number): Promise<Date | undefined> {
    const settled = await this.database.call<Attempt>('settle', { ...this.#success(success), send_number: sendNumber });
    return settled.grant_expires_at === undefined ? undefined : new Date(settled.grant_expires_at);
  }

  /** The provider said no. @returns wrong codes over all subjects lately, this one included */
  async wrongCode(id: string): Promise<number> {
    return (await this.database.call<{ wrong_codes: number }>('wrong_code', { id, ...this.#audit })).wrong_codes;
  }

  /** @returns undefined when there was nothing alive to end */
  async cancel(handle: StoredHandle): Promise<(ProviderCode & { checked_by: CheckedBy; phone: string }) | undefined> {
    const ended = await this.database.call<ProviderCode & { checked_by: CheckedBy; phone: string }>('cancel', {
      ...handleFields(handle),
      ...this.#audit,
    });
    return ended.phone === undefined ? undefined : ended;
  }

  /** @returns undefined where the client has no live challenge for just this */
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

  async #reserve(operation: 'start' | 'resend', send: SendContext, own: object): Promise<Reserved> {
    const request = JSON.stringify({ ...own, ...this.limits.requestOf(send) });
    const answer = await this.database.call<ReserveAnswer>(
      operation,
      `${request.slice(0, -1)},"limits":${this.limits.textOf(send)}}`,
    );
    if (answer.refused_by !== undefined) throw refusal(answer.refused_by, answer.retry_after);
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

/** One answer for every challenge that cannot be used, whatever the reason. */
export function otpUnavailable(): OtpError {
  return new OtpError('otp_unavailable', 'This code can no longer be used. Start again.');
}

export function lockedOut(retryAfterSeconds: number): OtpError {
  return new LimitError('locked_out', 'locked_out', 'Too many wrong codes. Try again later.', retryAfterSeconds);
}

/** A stop lasts until somebody takes it away, which nobody can promise: this is when to ask again. */
const ASK_AGAIN_SECONDS = 300;

function refusal(by: Refusal, retryAfter: number | null): OtpError {
  const wait = Math.max(1, retryAfter ?? 1);
  switch (by) {
    case 'no_resend':
      return otpUnavailable();
    case 'phone_missing':
      return new OtpError(by, 'This account has no such verified number: verify one first.');
    case 'phone_on_hold':
      return new OtpError(by, 'This number was changed lately and cannot confirm this yet.', {
        retryAfterSeconds: wait,
      });
    case 'phone_unconfirmed':
      return new OtpError(by, 'This number was not proved for a long time: verify it again first.');
    case 'locked_out':
      return lockedOut(wait);
    case 'stopped':
    case 'provider_stopped':
      return exhausted(by, ASK_AGAIN_SECONDS);
    case 'conversion':
    case 'region_day':
    case 'service_minute':
    case 'service_day':
    case 'service_spend':
      return exhausted(by, wait);
    default:
      return new LimitError(by, 'otp_too_soon', 'No further message can be sent yet. Try again later.', wait);
  }
}

function exhausted(limit: LimitName, retryAfterSeconds: number): OtpError {
  return new LimitError(
    limit,
    'send_unavailable',
    'No message can be sent right now. Try again later.',
    retryAfterSeconds,
  );
}
