import { Logger } from '@nestjs/common';

import { type AbuseChecks, WRONG_CODES_BEFORE_BOT_CHECK } from '../abuse/abuse-checks.js';
import type { CallToCheck } from '../abuse/bot-check.js';
import type { PhoneToAssess } from '../abuse/phone-risk.js';
import type { HostAccounts } from '../accounts/host-accounts.js';
import type { Auditor, Note } from '../audit/auditor.js';
import { readAction } from './action.js';
import {
  type Attempt,
  type Challenges,
  type ConversionAlarm,
  LimitError,
  lockedOut,
  type NewChallenge,
  otpUnavailable,
  type ProviderCode,
  type Reservation,
  type Success,
} from './challenges.js';
import { type CodeMac, drawCode } from './code.js';
import { derivedHandle, formatHandle, type Handle, handleHash, newHandle, parseHandle } from './handle.js';
import type { SessionBinding } from './session-binding.js';
import type { MessageDelivery } from '../delivery/message-delivery.js';
import { formatGrant, grantHash, newGrantSecret } from '../crypto/token.js';
import { readClient, readLocale, requireObject } from '../errors/input.js';
import type { KeyedHash } from '../crypto/keyed-hash.js';
import { maskAddress } from '../config/client-address.js';
import type { SendContext } from '../limits/limits.js';
import type { MessageRenderer } from '../messages/message-renderer.js';
import type { Locale } from '../messages/texts.js';
import { OtpError } from '../errors/otp.error.js';
import type { EventSink } from '../events/otp.events.js';
import type { OtpSettings } from '../config/options.js';
import type {
  ResendRequest,
  StartedChallenge,
  StartRequest,
  VerifiedChallenge,
  VerifyRequest,
} from './otp.requests.js';
import type { PurposeRules } from '../config/purposes.js';
import { maskPhone, maskPrefix } from '../phone/mask.js';
import type { PhoneNumber } from '../phone/phone-number.js';
import type { PhonePolicy } from '../phone/phone-policy.js';
import { readTypedCode } from '../phone/typed-code.js';
import type { Background } from '../delivery/background.js';
import {
  issuedBy,
  type RegisteredProvider,
  type ProviderRegistry,
  openOf,
  type Route,
} from '../delivery/provider-registry.js';
import { attemptId } from '../delivery/provider-client.js';
import type { VendorReference } from '../delivery/provider.js';
import { type CodePolicy, weaknessFor } from '../delivery/code-policy.js';

interface Parts {
  settings: OtpSettings;
  phones: PhonePolicy;
  hash: KeyedHash;
  mac: CodeMac;
  bind: SessionBinding;
  challenges: Challenges;
  registry: ProviderRegistry;
  delivery: MessageDelivery;
  messages: MessageRenderer;
  events: EventSink;
  accounts: HostAccounts;
  checks: AbuseChecks;
  background: Background;
  auditor: Auditor;
}

/**
 * Starts, resends, verifies and cancels challenges.
 *
 * Never call it inside a transaction of your own: its counters must survive a rollback. Methods that may join a transaction,
 * such as `Grants.consume` and `VerifiedNumbers.activate`, take it as an argument.
 */
export class OtpService {
  readonly #logger = new Logger('Otp');

  /** @internal */
  constructor(private readonly parts: Parts) {}

  /**
   * Draws a code, stores its challenge and sends the code.
   *
   * Without a `subject` it returns after the commit and sends afterwards, so the response time does not reveal which numbers
   * are known. With a `subject` it waits for the vendor's answer.
   * @throws {@link OtpError} `request_invalid` · `phone_invalid` · `phone_not_supported` · `purpose_refused` ·
   * `sign_in_required` · `otp_too_soon` · `locked_out` · `send_unavailable` · `service_unavailable`; with a `subject` also
   * `phone_missing` · `phone_on_hold` · `phone_unconfirmed` · `other_factor_needed`; without one also `bot_check_failed`
   */
  async start(request: StartRequest): Promise<StartedChallenge> {
    return this.parts.background.track(this.#start(request, NONE));
  }

  /** @param stopped providers found to have a sending stop: the next provider of the route takes over */
  async #start(request: StartRequest, stopped: ReadonlySet<string>): Promise<StartedChallenge> {
    requireObject('The request', request);
    const { phones, challenges, messages, hash, mac, bind, delivery, events } = this.parts;
    const { purpose, subject } = request;
    const rules = this.#rulesOf(purpose);
    if (rules.startedBy !== 'anyone' && subject === undefined) {
      throw new OtpError('sign_in_required', 'This purpose needs a signed-in account: pass its id as "subject".');
    }
    const phone = phones.accept(request.phone);
    const route = openOf(this.#candidatesFor(phone, purpose).filter(({ name }) => !stopped.has(name)));
    const [{ name: provider, policy }] = route;
    const sessionBinding = bind(rules, request);
    const send = this.#sendContext(request, phone, rules, route[0]);
    const action = readAction(request.action);
    if (messages.needsAction(purpose) && !action?.shown) {
      throw new OtpError('request_invalid', 'This purpose needs an "action" with "amount", "currency" and "payee".');
    }
    const locale = messages.localeFor(readLocale(request.locale));
    if (stopped.size === 0) await this.#assertUnsuspicious(request, phone.e164);
    const known = subject !== undefined || (await this.#mayStart(phone, purpose, rules));

    const handle = subject === undefined ? newHandle() : derivedHandle(hash);
    const code = drawCode(policy.codeLength);
    const codeMac = mac.of({ ...handle, purpose }, code);
    const challenge: NewChallenge = {
      id: handle.id,
      handleHash: handleHash(handle),
      locale,
      client: this.#clientOf(request, phone),
      sessionBinding,
      actionDigest: action?.digest ?? null,
      actionShown: action?.shown,
    };
    const issued = issuedBy(route[0], codeMac);
    const checkedBy = known ? issued.checkedBy : 'nobody';
    let reservation: Reservation;
    try {
      reservation = await this.#reportLimits(send, challenges.start(send, challenge, { ...issued, checkedBy }), route);
    } catch (error) {
      if (canUseNextProvider(error, route)) return this.#start(request, new Set([...stopped, provider]));
      const pending = request.reuse ? await this.#findPending(error, send, challenge, policy) : undefined;
      if (pending) return pending;
      throw error;
    }

    const { tier, decoy } = reservation;
    events.emit('otp.started', { challengeId: handle.id, purpose, phone: maskPhone(phone.e164), tier, decoy });
    if (!decoy) {
      const message = {
        challengeId: handle.id,
        sendNumber: 1,
        phone,
        purpose,
        locale,
        code,
        codeMac,
        action: action?.shown,
      };
      await delivery.deliver(send, reservation.tier, message, route);
    }
    return startedChallenge(handle, phone.e164, reservation, policy);
  }

  /**
   * Normalizes a phone number as {@link OtpService.start} does, so you can look up its owner first.
   * @param phone the number as typed
   * @throws {@link OtpError} `phone_invalid` · `phone_not_supported`
   */
  readPhone(phone: string): PhoneNumber {
    return this.parts.phones.accept(phone);
  }

  /**
   * Sends a new code for the same challenge. The old code stops working immediately; spent attempts stay spent.
   * @throws {@link OtpError} `otp_unavailable` if the challenge has ended, is unknown, or has used all its messages ·
   * otherwise as {@link OtpService.start}
   */
  async resend(request: ResendRequest): Promise<StartedChallenge> {
    return this.parts.background.track(this.#resend(request, NONE));
  }

  async #resend(request: ResendRequest, stopped: ReadonlySet<string>): Promise<StartedChallenge> {
    requireObject('The request', request);
    const { challenges, mac, delivery } = this.parts;
    const handle = parseHandle(request.challenge);
    const stored = handle && { id: handle.id, handleHash: handleHash(handle) };
    const found = stored && (await challenges.find(stored, true));
    if (!found) throw otpUnavailable();

    const { purpose, account } = found;
    const phone = { e164: found.phone, region: found.region } as PhoneNumber;
    const candidates = nextAfter(found.provider, this.#candidatesFor(phone, purpose));
    const route = openOf(candidates.filter(({ name }) => !stopped.has(name)));
    const [{ name: provider, policy }] = route;
    if (account !== null && stopped.size === 0) {
      await this.#assertSafe({ phone: phone.e164, purpose, subject: account });
    }
    const by = { client: request.client, purpose, ...(account !== null && { subject: account }) };
    const context = this.#sendContext(by, phone, this.#rulesOf(purpose), route[0]);
    const send = { ...context, hasClient: found.has_client };
    const code = drawCode(policy.codeLength);
    const codeMac = mac.of({ ...handle, purpose }, code);
    let reservation: Reservation;
    try {
      reservation = await this.#reportLimits(send, challenges.resend(send, stored, issuedBy(route[0], codeMac)), route);
    } catch (error) {
      if (canUseNextProvider(error, route)) return this.#resend(request, new Set([...stopped, provider]));
      throw error;
    }

    if (!reservation.decoy) {
      const locale = found.locale as Locale;
      const action = found.action_shown ?? undefined;
      const message = {
        challengeId: handle.id,
        sendNumber: reservation.sends,
        phone,
        purpose,
        locale,
        code,
        codeMac,
        action,
      };
      await delivery.deliver(send, reservation.tier, message, route);
    }
    return startedChallenge(handle, phone.e164, reservation, policy);
  }

  /**
   * Verifies a code and returns a grant. The attempt is counted and committed before a grant is issued or a vendor is asked.
   * @throws {@link OtpError} `code_malformed` (no attempt was spent) · `otp_invalid` · `otp_unavailable` · `locked_out` ·
   * `request_invalid` · `bot_check_failed` · `send_unavailable` (the vendor that checks the code is down) ·
   * `service_unavailable` (an attempt may have been spent)
   */
  async verify(request: VerifyRequest): Promise<VerifiedChallenge> {
    return this.parts.background.track(this.#verify(request));
  }

  async #verify(request: VerifyRequest): Promise<VerifiedChallenge> {
    requireObject('The request', request);
    const { challenges, registry, mac, bind, accounts } = this.parts;
    const { purpose } = request;
    const sessionBinding = bind(this.#rulesOf(purpose), request);
    const code = readTypedCode(request.code, ...registry.typedLength);
    const handle = parseHandle(request.challenge);
    if (handle === undefined) throw otpUnavailable();
    await this.#assertCheckable(handle);
    await this.#assertNotGuessing(handle, request);

    const secret = newGrantSecret();
    const success = { id: handle.id, grantHash: grantHash(secret) };
    const attempt = await challenges.verify({
      ...success,
      handleHash: handleHash(handle),
      purpose,
      sessionBinding,
      codeMacs: mac.candidates({ ...handle, purpose }, code),
    });
    const expiresAt = attempt.matched
      ? new Date(attempt.grant_expires_at!)
      : await this.#askProvider(attempt, code, success);
    if (!expiresAt) throw this.#refuse(handle.id, purpose, attempt);
    const { account, phone } = attempt;
    // The grant is stored already, but without this answer nobody has its secret, so it cannot be used.
    if (!(await accounts.mayUse(attempt))) {
      const refusal = { event: 'refused', outcome: 'account_refused' } as const;
      this.parts.auditor.note({ ...refusal, purpose, account, phone, challengeId: handle.id });
      throw this.#refuse(handle.id, purpose, { ...attempt, refused_by: 'account_refused' });
    }

    const masked = maskPhone(phone);
    this.parts.events.emit('otp.verified', {
      challengeId: handle.id,
      purpose,
      subject: account ?? masked,
      phone: masked,
    });
    return { grant: formatGrant(handle.id, secret), expiresAt, subject: account ?? phone, phone, purpose };
  }

  /** Ends a challenge. Does nothing if it has ended already or is unknown. @throws {@link OtpError} `request_invalid` · `service_unavailable` */
  async cancel(request: { challenge: string }): Promise<void> {
    requireObject('The request', request);
    const handle = parseHandle(request.challenge);
    const code = handle && (await this.parts.challenges.cancel({ id: handle.id, handleHash: handleHash(handle) }));
    if (code?.checked_by !== 'provider') return;
    this.parts.registry.named(code.provider)?.client.forget(vendorReference(handle!.id, code.phone, code));
  }

  #rulesOf(purpose: unknown): PurposeRules {
    const rules = this.parts.settings.purposes.get(purpose as string);
    if (rules) return rules;
    throw new OtpError('request_invalid', '"purpose" is unknown: add it to the option "purposes".');
  }

  /**
   * Returns the providers that may serve a purpose. A provider that is too weak for it is left out, unless an option accepts
   * the weakness.
   * @throws {@link OtpError} `purpose_refused`
   */
  #candidatesFor({ e164, region }: PhoneNumber, purpose: string): RegisteredProvider[] {
    const { settings, registry } = this.parts;
    const all = registry.for({ phone: e164, region });
    const candidates = all.filter(({ policy }) => weaknessFor(purpose, policy, settings) === undefined);
    if (candidates.length > 0 || all.length === 0) return candidates;
    const [{ name, policy }] = all as [RegisteredProvider];
    throw new OtpError(
      'purpose_refused',
      `${name} cannot serve this purpose: ${weaknessFor(purpose, policy, settings)}.`,
    );
  }

  /**
   * Makes sure that the vendor that checks the code can be asked, before an attempt is spent. Only the challenge's row names
   * its vendor, so the row is read only while some vendor's circuit is open.
   * @throws {@link OtpError} `send_unavailable`
   */
  async #assertCheckable(handle: Handle): Promise<void> {
    const { registry, challenges } = this.parts;
    const vendors = registry.all.filter(({ policy }) => policy.checkedBy === 'provider');
    if (vendors.every(({ client }) => client.waitSeconds === 0)) return;
    const found = await challenges.find({ id: handle.id, handleHash: handleHash(handle) });
    const vendor = found && vendors.find(({ name }) => name === found.provider);
    if (vendor) openOf([vendor]);
  }

  /** After wrong codes, requires human verification if a `BotCheck` is provided. @throws {@link OtpError} `bot_check_failed` */
  async #assertNotGuessing(handle: Handle, { purpose, client = 'server' }: VerifyRequest): Promise<void> {
    const { checks, challenges, settings } = this.parts;
    if (!checks.checksBots || client === 'server') return;
    const { address, botToken: token } = readClient(client);
    const found = await challenges.find({ id: handle.id, handleHash: handleHash(handle) });
    const spraying = (found?.wrong_codes ?? 0) >= settings.sprayingFailures;
    if (!found || (found.attempts < WRONG_CODES_BEFORE_BOT_CHECK && !spraying)) return;
    await this.#assertHuman(
      { step: 'verify', purpose, token, address },
      { challengeId: handle.id, phone: found.phone },
    );
  }

  #sendContext(
    { client, purpose, subject }: Pick<StartRequest, 'client' | 'purpose' | 'subject'>,
    { e164: phone, region }: PhoneNumber,
    { number }: PurposeRules,
    { name: provider, policy: { cooldownSeconds } }: RegisteredProvider,
  ): SendContext {
    const { address, deviceKey } = readClient(client);
    const phoneHash = this.parts.hash.ofPhone(phone);
    return {
      phone,
      phoneHash,
      region,
      provider,
      account: subject ?? null,
      subjectHash: subject === undefined ? phoneHash : this.parts.hash.ofAccount(subject),
      purpose,
      established: number === 'established',
      cooldownSeconds,
      address,
      hasClient: subject !== undefined || deviceKey !== undefined,
    };
  }

  /** Identifies the client across several starts, by its account or its device key. */
  #clientOf({ client, subject }: Pick<StartRequest, 'client' | 'subject'>, phone: PhoneNumber): Buffer | undefined {
    const { hash } = this.parts;
    if (subject !== undefined) return hash.of('client', 'account', subject);
    const { deviceKey } = readClient(client);
    return deviceKey === undefined ? undefined : hash.of('client', 'device', phone.e164, deviceKey);
  }

  /**
   * Runs the abuse checks before anything is stored. Anonymous callers get the bot check only: their number is assessed after
   * the response, or the response would reveal which numbers have an account.
   * @throws {@link OtpError} `bot_check_failed` · with a `subject` `other_factor_needed`
   */
  async #assertUnsuspicious({ client, purpose, subject }: StartRequest, phone: string): Promise<void> {
    if (subject !== undefined) return this.#assertSafe({ phone, purpose, subject });
    if (client === 'server') return;
    const { address, botToken: token } = readClient(client);
    await this.#assertHuman({ step: 'start', purpose, token, address }, { phone });
  }

  async #assertHuman(call: CallToCheck, context: Pick<Note, 'challengeId' | 'phone'>): Promise<void> {
    const { checks, auditor } = this.parts;
    await checks.assertHuman(call).catch((error: unknown) => {
      auditor.note({ event: 'refused', outcome: 'bot_check_failed', purpose: call.purpose, ...context });
      throw error;
    });
  }

  async #assertSafe(to: PhoneToAssess): Promise<void> {
    if (await this.parts.checks.mayReceive(to)) return;
    const { phone, purpose, subject: account } = to;
    this.parts.auditor.note({ event: 'refused', outcome: 'other_factor_needed', phone, purpose, account });
    throw new OtpError('other_factor_needed', 'A code by SMS is not safe for this number now. Use another factor.');
  }

  async #mayStart(phone: PhoneNumber, purpose: string, { account }: PurposeRules): Promise<boolean> {
    return account === 'any' || (await this.parts.accounts.find(phone.e164, purpose)) !== null;
  }

  /** Returns the live challenge of an identical request within the cooldown, if there is one. */
  async #findPending(
    error: unknown,
    send: SendContext,
    challenge: NewChallenge,
    policy: CodePolicy,
  ): Promise<StartedChallenge | undefined> {
    if (!(error instanceof OtpError) || error.code !== 'otp_too_soon' || !challenge.client) return undefined;
    const found = await this.parts.challenges.pending(send, challenge);
    if (!found) return undefined;
    const handle = derivedHandle(this.parts.hash, found.id);
    if (!handleHash(handle).equals(found.handleHash)) return undefined; // started with another pepper, or by a stranger
    return startedChallenge(handle, send.phone, found, policy);
  }

  /** Reports to operators which limit was reached. The caller only learns how long to wait. */
  async #reportLimits<T extends Reservation>(send: SendContext, reserve: Promise<T>, route: Route): Promise<T> {
    const { phone, purpose } = send;
    try {
      const reservation = await reserve;
      for (const alarm of reservation.alarms) this.#reportLowConversion(send, alarm);
      return reservation;
    } catch (error) {
      if (error instanceof OtpError && error.code !== 'otp_unavailable' && !canUseNextProvider(error, route)) {
        const { code, retryAfterSeconds } = error;
        const limit = error instanceof LimitError ? error.limit : undefined;
        this.parts.events.emit('otp.limited', { purpose, phone: maskPhone(phone), code, retryAfterSeconds, limit });
      }
      throw error;
    }
  }

  #reportLowConversion({ phone, address }: SendContext, { limit: scope, ...counts }: ConversionAlarm): void {
    const name = scope === 'address' ? maskAddress(address!) : maskPrefix(phone);
    this.parts.events.emit('otp.conversion_low', { scope, name, ...counts });
  }

  /**
   * Asks the provider that made the code; the attempt is spent already. Only the provider's documented success counts, and
   * only if the challenge has not ended in the meantime. A decoy takes equally long.
   */
  async #askProvider(
    { ask, waits_for: waitsFor, phone }: Attempt,
    code: string,
    success: Success,
  ): Promise<Date | undefined> {
    const { registry, challenges, background } = this.parts;
    if (waitsFor) await registry.named(waitsFor)?.client.waitLikeACheck();
    const client = ask && registry.named(ask.provider)?.client;
    if (!client) return undefined;
    const { outcome } = await client.check({ ...vendorReference(success.id, phone, ask), code });
    if (outcome === 'verified') return challenges.settle(success, ask.sends);
    if (outcome === 'incorrect_code') {
      background.run(challenges.wrongCode(success.id).then((failures) => this.#reportSpraying(failures)));
    }
    return undefined;
  }

  #reportSpraying(failures: number | null | undefined): void {
    const { settings, events } = this.parts;
    if (failures && failures % settings.sprayingFailures === 0) events.emit('otp.spraying', { failures });
  }

  /** Writes the true reason to the log and the events, and returns one of three errors for the caller. */
  #refuse(challengeId: string, purpose: string, attempt: Attempt): OtpError {
    const { refused_by: refusedBy, failures, retry_after: retryAfter } = attempt;
    const reason = refusedBy ?? 'wrong_code';
    this.#logger.log(`verify refused: ${reason}, purpose ${purpose}, challenge ${challengeId}`);
    this.parts.events.emit('otp.refused', { challengeId, purpose, reason });
    if (refusedBy === undefined) {
      const { failuresInARow, failuresPerHour } = this.parts.settings;
      const closed = attempt.failures_in_a_row >= failuresInARow;
      this.#reportSpraying(attempt.wrong_codes);
      if (closed || failures >= failuresPerHour) {
        this.parts.events.emit('otp.locked_out', { challengeId, purpose, failures, closed });
      }
      return new OtpError('otp_invalid', 'This code is wrong. Try again.');
    }
    return refusedBy === 'locked_out' ? lockedOut(retryAfter!) : otpUnavailable();
  }
}

const NONE: ReadonlySet<string> = new Set();

function startedChallenge(
  handle: Handle,
  phone: string,
  { expiresAt, resendAt }: Pick<Reservation, 'expiresAt' | 'resendAt'>,
  { codeLength }: CodePolicy,
): StartedChallenge {
  return { challenge: formatHandle(handle), phone: maskPhone(phone), expiresAt, resendAt, codeLength };
}

/** Whether the provider has a sending stop and the route has another provider. */
function canUseNextProvider(error: unknown, { length }: Route): boolean {
  return error instanceof LimitError && error.limit === 'provider_stopped' && length > 1;
}

/**
 * Orders the providers for a resend: the next provider first, the same one last. A provider that finds codes by phone only
 * may hold a code of another challenge for this phone, so it never takes over from another provider.
 */
function nextAfter(name: string, candidates: readonly RegisteredProvider[]): RegisteredProvider[] {
  const at = candidates.findIndex((candidate) => candidate.name === name);
  const order = [...candidates.slice(at + 1), ...candidates.slice(0, at + 1)];
  return order.filter((candidate) => candidate.name === name || !candidate.policy.onePerPhone);
}

/** The vendor's reference to a challenge. */
function vendorReference(
  id: string,
  phone: string,
  { region, sends, provider_ref: reference }: ProviderCode,
): VendorReference {
  return {
    phone,
    region: region as PhoneNumber['region'],
    attemptId: attemptId(id, sends),
    ...(reference !== null && { reference }),
  };
}
