import { Logger } from '@nestjs/common';

import type { PhoneAccounts } from './accounts/phone-accounts.js';
import { type CodeMac, drawCode } from './challenge/code.js';
import { formatHandle, type Handle, handleHash, newHandle, parseHandle } from './challenge/handle.js';
import type { SessionBinding } from './challenge/session-binding.js';
import type { Dispatched, Dispatcher } from './providers/dispatcher.js';
import { grantHash, newGrant } from './grant/grants.js';
import { readDigest, requireObject, requireText } from './input.js';
import type { KeyedHash } from './keyed-hash.js';
import { type Lifecycle, otpUnavailable, paused, type Reserved } from './lifecycle/lifecycle.js';
import type { VerifyRow } from './lifecycle/verify.sql.js';
import type { Limits, SendContext } from './limits/limits.js';
import type { MessageRenderer } from './messages/message-renderer.js';
import type { Locale } from './messages/texts.js';
import { OtpError } from './otp.error.js';
import type { EventSink } from './otp.events.js';
import type { OtpSettings } from './otp.options.js';
import type { Purpose, PurposeRules } from './otp.purposes.js';
import { maskPhone } from './phone/mask.js';
import type { PhoneNumber } from './phone/phone-number.js';
import type { PhonePolicy } from './phone/phone-policy.js';
import { readTypedCode } from './phone/typed-code.js';

/** Whom a call comes from: a client by its address, or the host itself. There is no silent shared bucket. */
export type Client = 'server' | { address: string; deviceKey?: string };

export interface StartRequest {
  /** As it was typed. */
  phone: string;
  purpose: Purpose;
  /**
   * `address`: the client's, behind a configured number of proxies. `deviceKey`: 16 to 256 random characters that the
   * host keeps in a cookie; a new start of the same device replaces its earlier challenge, and a device that proved the
   * number before has a budget that strangers cannot use up.
   */
  client: Client;
  /** BCP 47; the nearest language with texts is used. */
  locale?: string;
  /** The signed-in account, where there is one. The challenge then answers to it alone, and the call waits for the vendor. */
  subject?: string;
  /** Its login session: the challenge then answers in this session alone. */
  session?: string;
  /** SHA-256 of the action that is being confirmed. */
  actionDigest?: Uint8Array;
}

export interface StartedChallenge {
  /** The handle: what the client needs to resend or verify. A secret. */
  challenge: string;
  /** Masked. */
  phone: string;
  expiresAt: Date;
  /** When the next message can be asked for. */
  resendAt: Date;
  codeLength: number;
}

export interface ResendRequest {
  challenge: string;
  client: Client;
}

export interface VerifyRequest {
  challenge: string;
  /** As it was typed. */
  code: string;
  purpose: Purpose;
  /** Both as given to `start`. */
  subject?: string;
  session?: string;
}

export interface VerifiedChallenge {
  /** Opaque, single use; see `Grants.consume`. A secret. */
  grant: string;
  expiresAt: Date;
  /** The account, or the phone where there was no account yet. */
  subject: string;
  /** Canonical E.164 of the phone that was proved. */
  phone: string;
  purpose: string;
}

interface Parts {
  settings: OtpSettings;
  phones: PhonePolicy;
  limits: Limits;
  hash: KeyedHash;
  mac: CodeMac;
  bind: SessionBinding;
  lifecycle: Lifecycle;
  dispatcher: Dispatcher;
  messages: MessageRenderer;
  events: EventSink;
  /** Resolved late, since the host's module may need this one. */
  accounts: () => PhoneAccounts;
}

/** A code on its way: everything the message and its mark need, and nothing of it stored in the clear. */
interface Outgoing {
  handle: Handle;
  sendNumber: number;
  phone: PhoneNumber;
  purpose: string;
  locale: Locale;
  code: string;
}

/**
 * The story of a challenge: started, sent again, verified or cancelled.
 *
 * Never call it inside a transaction of the host: what it counts must stay counted when the host rolls back.
 * Only `Grants.consume` and `VerifiedNumbers.activate` take the host's transaction.
 */
export class OtpService {
  readonly #logger = new Logger('Otp');

  constructor(private readonly parts: Parts) {}

  /**
   * Draws a code, stores its challenge and has it sent.
   *
   * Without a `subject` it answers after the commit and sends afterwards, so that the time tells nobody which numbers
   * are known. With one it waits for the vendor's answer.
   * @throws {@link OtpError} `request_invalid` · `phone_invalid` · `phone_not_supported` · `purpose_refused` ·
   * `sign_in_required` · `otp_too_soon` · `otp_paused` · `send_unavailable` · `service_unavailable`
   */
  async start(request: StartRequest): Promise<StartedChallenge> {
    requireObject('The request', request);
    const { settings, phones, dispatcher, lifecycle, messages, mac, bind } = this.parts;
    const rules = this.#rulesOf(request.purpose);
    if (rules.startedBy !== 'anyone' && request.subject === undefined) {
      throw new OtpError('sign_in_required', 'This purpose belongs to a signed-in account: pass its "subject".');
    }
    dispatcher.assertOpen();
    const phone = phones.accept(request.phone);
    const sessionBinding = bind(request);
    const send = this.#sendContext(request, phone.e164);
    const actionDigest = readDigest(request.actionDigest);
    const locale = messages.localeFor(readLocale(request.locale));
    const decoy = request.subject === undefined && !(await this.#mayStart(phone, request.purpose, rules));

    const handle = newHandle();
    const code = drawCode(settings.codeLength);
    const sealed = mac.seal({ ...handle, purpose: request.purpose }, code);
    const reserved = await this.#limited(
      send,
      lifecycle.start(send, {
        id: handle.id,
        handleHash: handleHash(handle),
        purpose: request.purpose,
        subject: send.subject,
        region: phone.region,
        sessionBinding,
        actionDigest,
        locale,
        provider: dispatcher.providerName,
        codeMac: decoy ? null : sealed.mac,
        keyId: sealed.keyId,
        maxTries: settings.maxTries,
        ttlSeconds: settings.codeTtlSeconds,
      }),
    );
    this.parts.events.emit('otp.started', {
      challengeId: handle.id,
      purpose: request.purpose,
      phone: maskPhone(phone.e164),
      class: reserved.class,
      decoy,
    });

    if (!decoy) {
      await this.#deliver(send, reserved, { handle, sendNumber: 1, phone, purpose: request.purpose, locale, code });
    }
    return this.#started(handle, phone.e164, reserved);
  }

  /**
   * Draws a new code for the same challenge. The old one is dead at once; tries that were spent stay spent.
   * @throws {@link OtpError} `otp_unavailable` when the challenge is over, unknown, or has had all its messages ·
   * otherwise as {@link OtpService.start}
   */
  async resend(request: ResendRequest): Promise<StartedChallenge> {
    requireObject('The request', request);
    const { settings, dispatcher, lifecycle, mac } = this.parts;
    dispatcher.assertOpen();
    const handle = parseHandle(request.challenge);
    const found = handle && (await lifecycle.find({ id: handle.id, handleHash: handleHash(handle) }));
    if (!handle || !found) throw otpUnavailable();

    const { purpose, phone, region } = found;
    const send: SendContext = {
      ...this.#sendContext(
        { client: request.client, purpose, ...(found.signed_in && { subject: found.subject }) },
        phone,
      ),
      client: found.client ?? undefined,
    };
    const code = drawCode(settings.codeLength);
    const sealed = mac.seal({ ...handle, purpose }, code);
    const reserved = await this.#limited(
      send,
      lifecycle.resend(send, {
        id: handle.id,
        handleHash: handleHash(handle),
        codeMac: sealed.mac,
        keyId: sealed.keyId,
        provider: dispatcher.providerName,
        maxSends: settings.maxSends,
        ttlSeconds: settings.codeTtlSeconds,
      }),
    );

    if (!reserved.decoy) {
      const to = { e164: phone, region } as PhoneNumber;
      const locale = found.locale as Locale;
      await this.#deliver(send, reserved, { handle, sendNumber: reserved.sends, phone: to, purpose, locale, code });
    }
    return this.#started(handle, phone, reserved);
  }

  /**
   * Tries a code, once: the try is counted and committed before anything is granted.
   * @throws {@link OtpError} `code_malformed` (no try was spent) · `otp_invalid` · `otp_unavailable` · `otp_paused` ·
   * `request_invalid` · `service_unavailable` (a try may have been spent)
   */
  async verify(request: VerifyRequest): Promise<VerifiedChallenge> {
    requireObject('The request', request);
    const { settings, lifecycle, mac, bind } = this.parts;
    const { purpose } = request;
    this.#rulesOf(purpose);
    const sessionBinding = bind(request);
    const code = readTypedCode(request.code, settings.codeLength);
    const handle = parseHandle(request.challenge);
    if (handle === undefined) throw otpUnavailable();

    const grant = newGrant();
    const row = await lifecycle.verify({
      id: handle.id,
      handleHash: handleHash(handle),
      purpose,
      sessionBinding,
      macs: mac.candidates({ ...handle, purpose }, code),
      grantHash: grantHash(grant),
      grantSeconds: settings.grantTtlSeconds,
      pauseMinutes: settings.pauseMinutes,
      failuresInARow: settings.failuresInARow,
      knownClientDays: settings.knownClientDays,
    });
    if (!row?.matched) throw this.#refused(handle.id, purpose, row);

    const { subject, phone } = row;
    const masked = maskPhone(phone);
    const who = subject === phone ? masked : subject;
    this.parts.events.emit('otp.verified', { challengeId: handle.id, purpose, subject: who, phone: masked });
    return { grant, expiresAt: row.grant_expires_at!, subject, phone, purpose };
  }

  /** Ends a challenge that its holder gives up. Does nothing when it is over or unknown. @throws {@link OtpError} `service_unavailable` */
  async cancel(request: { challenge: string }): Promise<void> {
    requireObject('The request', request);
    const handle = parseHandle(request.challenge);
    if (handle) await this.parts.lifecycle.cancel({ id: handle.id, handleHash: handleHash(handle) });
  }

  /**
   * For operators: lets a subject try again at once after too many wrong codes.
   * @param subject an account, or a canonical phone for codes started without one
   * @returns whether anything was closed or counted
   */
  async unlock(subject: string): Promise<boolean> {
    return (await this.parts.lifecycle.unlock(this.parts.limits.gatesOf(requireText('subject', subject)))) > 0;
  }

  /** Deletes challenges, grants, counters and log rows whose time is over. Safe on every instance at once. @returns rows deleted */
  purge(): Promise<number> {
    return this.parts.lifecycle.purge();
  }

  #rulesOf(purpose: unknown): PurposeRules {
    const rules = this.parts.settings.purposes.get(purpose as string);
    if (rules) return rules;
    throw new OtpError('request_invalid', '"purpose" is not one of this application: add it to the option "purposes".');
  }

  #sendContext(
    { client, purpose, subject }: Pick<StartRequest, 'client' | 'purpose' | 'subject'>,
    phone: string,
  ): SendContext {
    const { address, deviceKey } = readClient(client);
    const device = deviceKey === undefined ? undefined : ['device', phone, deviceKey];
    const session = subject === undefined ? undefined : ['account', subject];
    const named = session ?? device;
    return {
      phone,
      subject: subject ?? phone,
      purpose,
      signedIn: subject !== undefined,
      address,
      client: named && this.parts.hash.of('client', ...named),
    };
  }

  async #mayStart(phone: PhoneNumber, purpose: string, { account }: PurposeRules): Promise<boolean> {
    return account === 'any' || (await this.parts.accounts().findByPhone(phone.e164, purpose)) !== null;
  }

  /** Lets the operator see which limit was hit; the caller only learns how long to wait. */
  async #limited<T>({ phone, purpose }: SendContext, reserving: Promise<T>): Promise<T> {
    try {
      return await reserving;
    } catch (error) {
      if (error instanceof OtpError && error.code !== 'otp_unavailable') {
        const { code, retryAfterSeconds } = error;
        this.parts.events.emit('otp.limited', { purpose, phone: maskPhone(phone), code, retryAfterSeconds });
      }
      throw error;
    }
  }

  async #deliver(send: SendContext, { class: budgetClass }: Reserved, outgoing: Outgoing): Promise<void> {
    const { dispatcher, limits } = this.parts;
    if (!send.signedIn) {
      dispatcher.background(this.#sendAndMark(outgoing));
      return;
    }
    const cooldown = limits.cooldownOf(send, budgetClass);
    const { status } = await this.#sendAndMark(outgoing, cooldown);
    if (status === 'failed') throw new OtpError('send_unavailable', 'The message could not be sent. Try again later.');
  }

  /** @param cooldown to give back when the vendor surely sent nothing */
  async #sendAndMark(
    { handle, sendNumber, phone, purpose, locale, code }: Outgoing,
    cooldown?: Buffer,
  ): Promise<Dispatched> {
    const { settings, dispatcher, messages, lifecycle } = this.parts;
    const text = messages.render({ purpose, locale, code, ttlSeconds: settings.codeTtlSeconds });
    const attemptId = `${handle.id}-${sendNumber}`;
    const message = { phone: phone.e164, region: phone.region, text, locale, purpose, attemptId };
    const sent = await dispatcher.send(message, { challengeId: handle.id, sendNumber });
    const mark = {
      id: handle.id,
      sendNumber,
      status: sent.status,
      provider: dispatcher.providerName,
      providerRef: sent.reference ?? null,
      outcome: sent.outcome,
      segments: null,
      cost: sent.cost ? `${sent.cost.amount} ${sent.cost.unit}` : null,
      latencyMs: sent.latencyMs,
    };
    try {
      await (cooldown && sent.status === 'failed'
        ? lifecycle.fail({ ...mark, cooldownKey: cooldown })
        : lifecycle.mark(mark));
    } catch (error) {
      // The message is out and its code is stored: the answer stands. The row stays "sending" and later counts as "unknown".
      this.#logger.error(`challenge ${handle.id} could not be marked: ${(error as Error).message}`);
    }
    return sent;
  }

  #started(handle: Handle, phone: string, { expiresAt, resendAt }: Reserved): StartedChallenge {
    const { codeLength } = this.parts.settings;
    return { challenge: formatHandle(handle), phone: maskPhone(phone), expiresAt, resendAt, codeLength };
  }

  /** The caller learns one of three answers; the log and the events learn why. */
  #refused(challengeId: string, purpose: string, row: VerifyRow | undefined): OtpError {
    const reason = row === undefined ? 'unknown' : (row.reason ?? (row.retry_after === null ? 'wrong_code' : 'paused'));
    this.#logger.log(`verify refused: ${reason}, purpose ${purpose}, challenge ${challengeId}`);
    this.parts.events.emit('otp.refused', { challengeId, purpose, reason });
    if (row?.matched === false) {
      const { failures, cap, streak } = row;
      const closed = streak >= this.parts.settings.failuresInARow;
      if (closed || failures >= cap) this.parts.events.emit('otp.paused', { challengeId, purpose, failures, closed });
      return new OtpError('otp_invalid', 'This code is not right.');
    }
    return row && row.retry_after !== null ? paused(row.retry_after) : otpUnavailable();
  }
}

function readClient(client: unknown): { address?: string; deviceKey?: string } {
  if (client === 'server') return {};
  const { address, deviceKey } = (client ?? {}) as { address?: unknown; deviceKey?: unknown };
  if (typeof address !== 'string' || address === '' || address.length > 64) {
    throw new OtpError('request_invalid', `"client" must be "server" or hold the client's "address".`);
  }
  if (deviceKey === undefined) return { address };
  if (typeof deviceKey === 'string' && deviceKey.length >= 16 && deviceKey.length <= 256) return { address, deviceKey };
  throw new OtpError('request_invalid', '"client.deviceKey" must be a string of 16 to 256 characters.');
}

function readLocale(locale: unknown): string | undefined {
  if (locale === undefined || typeof locale === 'string') return locale;
  throw new OtpError('request_invalid', '"locale" must be a string.');
}
