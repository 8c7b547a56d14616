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
  type Reserved,
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
 * The story of a challenge: started, sent again, verified or cancelled.
 *
 * Never call it inside a transaction of the host: what it counts must stay counted when the host rolls back.
 * What may join one, such as `Grants.consume` and `VerifiedNumbers.activate`, takes it as an argument.
 */
export class OtpService {
  readonly #logger = new Logger('Otp');

  /** @internal */
  constructor(private readonly parts: Parts) {}

  /**
   * Draws a code, stores its challenge and has it sent.
   *
   * Without a `subject` it answers after the commit and sends afterwards, so that the time tells nobody which numbers
   * are known. With one it waits for the vendor's answer.
   * @throws {@link OtpError} `request_invalid` · `phone_invalid` · `phone_not_supported` · `purpose_refused` ·
   * `sign_in_required` · `otp_too_soon` · `locked_out` · `send_unavailable` · `service_unavailable`; to signed-in
   * accounts also `phone_missing` · `phone_on_hold` · `phone_unconfirmed` · `other_factor_needed`; to others
   * `bot_check_failed`
   */
  async start(request: StartRequest): Promise<StartedChallenge> {
    return this.parts.background.track(this.#start(request, NONE));
  }

  /** @param passedOver providers that an operator stopped, as it turned out: the next of the route takes their place */
  async #start(request: StartRequest, passedOver: ReadonlySet<string>): Promise<StartedChallenge> {
    requireObject('The request', request);
    const { phones, challenges, messages, hash, mac, bind, delivery, events } = this.parts;
    const { purpose, subject } = request;
    const rules = this.#rulesOf(purpose);
    if (rules.startedBy !== 'anyone' && subject === undefined) {
      throw new OtpError('sign_in_required', 'This purpose belongs to a signed-in account: pass its "subject".');
    }
    const phone = phones.accept(request.phone);
    const route = openOf(this.#candidatesFor(phone, purpose).filter(({ name }) => !passedOver.has(name)));
    const [{ name: provider, policy }] = route;
    const sessionBinding = bind(rules, request);
    const send = this.#sendContext(request, phone, rules, route[0]);
    const action = readAction(request.action);
    if (messages.needsAction(purpose) && !action?.shown) {
      throw new OtpError('request_invalid', 'This purpose needs an "action" with "amount", "currency" and "payee".');
    }
    const locale = messages.localeFor(readLocale(request.locale));
    if (passedOver.size === 0) await this.#assertUnsuspicious(request, phone.e164);
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
    let reserved: Reserved;
    try {
      reserved = await this.#limited(send, challenges.start(send, challenge, { ...issued, checkedBy }), route);
    } catch (error) {
      if (isPassedOver(error, route)) return this.#start(request, new Set([...passedOver, provider]));
      const pending = request.reuse ? await this.#pending(error, send, challenge, policy) : undefined;
      if (pending) return pending;
      throw error;
    }

    const { tier, decoy } = reserved;
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
      await delivery.deliver(send, reserved.tier, message, route);
    }
    return this.#started(handle, phone.e164, reserved, policy);
  }

  /**
   * The number that {@link OtpService.start} would send to, for a host that must know whose it is before.
   * @param phone as it was typed
   * @throws {@link OtpError} `phone_invalid` · `phone_not_supported`
   */
  readPhone(phone: string): PhoneNumber {
    return this.parts.phones.accept(phone);
  }

  /**
   * Has a new code made for the same challenge. The old one is dead at once; tries that were spent stay spent.
   * @throws {@link OtpError} `otp_unavailable` when the challenge is over, unknown, or has had all its messages ·
   * otherwise as {@link OtpService.start}
   */
  async resend(request: ResendRequest): Promise<StartedChallenge> {
    return this.parts.background.track(this.#resend(request, NONE));
  }

  async #resend(request: ResendRequest, passedOver: ReadonlySet<string>): Promise<StartedChallenge> {
    requireObject('The request', request);
    const { challenges, mac, delivery } = this.parts;
    const handle = parseHandle(request.challenge);
    const stored = handle && { id: handle.id, handleHash: handleHash(handle) };
    const found = stored && (await challenges.find(stored, true));
    if (!found) throw otpUnavailable();

    const { purpose, account } = found;
    const phone = { e164: found.phone, region: found.region } as PhoneNumber;
    const candidates = nextAfter(found.provider, this.#candidatesFor(phone, purpose));
    const route = openOf(candidates.filter(({ name }) => !passedOver.has(name)));
    const [{ name: provider, policy }] = route;
    if (account !== null && passedOver.size === 0) {
      await this.#assertSafe({ phone: phone.e164, purpose, subject: account });
    }
    const by = { client: request.client, purpose, ...(account !== null && { subject: account }) };
    const context = this.#sendContext(by, phone, this.#rulesOf(purpose), route[0]);
    const send = { ...context, hasClient: found.has_client };
    const code = drawCode(policy.codeLength);
    const codeMac = mac.of({ ...handle, purpose }, code);
    let reserved: Reserved;
    try {
      reserved = await this.#limited(send, challenges.resend(send, stored, issuedBy(route[0], codeMac)), route);
    } catch (error) {
      if (isPassedOver(error, route)) return this.#resend(request, new Set([...passedOver, provider]));
      throw error;
    }

    if (!reserved.decoy) {
      const locale = found.locale as Locale;
      const action = found.action_shown ?? undefined;
      const message = {
        challengeId: handle.id,
        sendNumber: reserved.sends,
        phone,
        purpose,
        locale,
        code,
        codeMac,
        action,
      };
      await delivery.deliver(send, reserved.tier, message, route);
    }
    return this.#started(handle, phone.e164, reserved, policy);
  }

  /**
   * Tries a code, once: the try is counted and committed before anything is granted, and before a vendor is asked.
   * @throws {@link OtpError} `code_malformed` (no try was spent) · `otp_invalid` · `otp_unavailable` · `locked_out` ·
   * `request_invalid` · `bot_check_failed` · `send_unavailable` (the vendor that checks the code is down) · `service_unavailable` (a try may
   * have been spent)
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
    if (!expiresAt) throw this.#refused(handle.id, purpose, attempt);
    const { account, phone } = attempt;
    // The grant is in the table, but nobody has it: what is not answered cannot be used.
    if (!(await accounts.mayUse(attempt))) {
      const refused = { event: 'refused', outcome: 'account_refused' } as const;
      this.parts.auditor.note({ ...refused, purpose, account, phone, challengeId: handle.id });
      throw this.#refused(handle.id, purpose, { ...attempt, refused_by: 'account_refused' });
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

  /** Ends a challenge that its holder gives up. Does nothing when it is over or unknown. @throws {@link OtpError} `service_unavailable` */
  async cancel(request: { challenge: string }): Promise<void> {
    requireObject('The request', request);
    const handle = parseHandle(request.challenge);
    const ended = handle && (await this.parts.challenges.cancel({ id: handle.id, handleHash: handleHash(handle) }));
    if (ended?.checked_by !== 'provider') return;
    this.parts.registry.named(ended.provider)?.client.forget(vendorReference(handle!.id, ended.phone, ended));
  }

  #rulesOf(purpose: unknown): PurposeRules {
    const rules = this.parts.settings.purposes.get(purpose as string);
    if (rules) return rules;
    throw new OtpError('request_invalid', '"purpose" is not one of this application: add it to the option "purposes".');
  }

  /** What a vendor cannot do safely is refused for what must be safe, unless the host accepted it by name. */
  #candidatesFor({ e164, region }: PhoneNumber, purpose: string): RegisteredProvider[] {
    const { settings, registry } = this.parts;
    const all = registry.for({ phone: e164, region });
    const fit = all.filter(({ policy }) => weaknessFor(purpose, policy, settings) === undefined);
    if (fit.length > 0 || all.length === 0) return fit;
    const [{ name, policy }] = all as [RegisteredProvider];
    throw new OtpError(
      'purpose_refused',
      `${name} cannot serve this purpose: ${weaknessFor(purpose, policy, settings)}.`,
    );
  }

  /**
   * Before a try is spent: the vendor that checks the code can be asked. Of which vendor a challenge is, only its row says;
   * that is looked up only while some vendor is left alone.
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

  /** Whoever goes on after wrong codes must be a person, where the host can tell. @throws {@link OtpError} `bot_check_failed` */
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

  /** What names the client over several starts: the account, or the key of a device. */
  #clientOf({ client, subject }: Pick<StartRequest, 'client' | 'subject'>, phone: PhoneNumber): Buffer | undefined {
    const { hash } = this.parts;
    if (subject !== undefined) return hash.of('client', 'account', subject);
    const { deviceKey } = readClient(client);
    return deviceKey === undefined ? undefined : hash.of('client', 'device', phone.e164, deviceKey);
  }

  /**
   * Before anything is stored. Anonymous callers are asked to be people; what speaks against their number is for the time
   * after the answer, or it would tell who has an account.
   * @throws {@link OtpError} `bot_check_failed` · to signed-in accounts `other_factor_needed`
   */
  async #assertUnsuspicious({ client, purpose, subject }: StartRequest, phone: string): Promise<void> {
    if (subject !== undefined) return this.#assertSafe({ phone, purpose, subject });
    if (client === 'server') return;
    const { address, botToken: token } = readClient(client);
    await this.#assertHuman({ step: 'start', purpose, token, address }, { phone });
  }

  async #assertHuman(call: CallToCheck, about: Pick<Note, 'challengeId' | 'phone'>): Promise<void> {
    const { checks, auditor } = this.parts;
    await checks.assertHuman(call).catch((error: unknown) => {
      auditor.note({ event: 'refused', outcome: 'bot_check_failed', purpose: call.purpose, ...about });
      throw error;
    });
  }

  async #assertSafe(to: PhoneToAssess): Promise<void> {
    if (await this.parts.checks.mayReceive(to)) return;
    const { phone, purpose, subject: account } = to;
    this.parts.auditor.note({ event: 'refused', outcome: 'other_factor_needed', phone, purpose, account });
    throw new OtpError('other_factor_needed', 'A code by SMS is not safe for this number now: use another factor.');
  }

  async #mayStart(phone: PhoneNumber, purpose: string, { account }: PurposeRules): Promise<boolean> {
    return account === 'any' || (await this.parts.accounts.find(phone.e164, purpose)) !== null;
  }

  /** Asked again within the cooldown: what was begun already, if it is just this. */
  async #pending(
    error: unknown,
    send: SendContext,
    challenge: NewChallenge,
    policy: CodePolicy,
  ): Promise<StartedChallenge | undefined> {
    if (!(error instanceof OtpError) || error.code !== 'otp_too_soon' || !challenge.client) return undefined;
    const found = await this.parts.challenges.pending(send, challenge);
    if (!found) return undefined;
    const handle = derivedHandle(this.parts.hash, found.id);
    if (!handleHash(handle).equals(found.handleHash)) return undefined; // begun under another pepper, or by a stranger
    return this.#started(handle, send.phone, found, policy);
  }

  /** Lets the operator see which limit was hit, or is about to be; the caller only learns how long to wait. */
  async #limited<T extends Reserved>(send: SendContext, reserving: Promise<T>, route: Route): Promise<T> {
    const { phone, purpose } = send;
    try {
      const reserved = await reserving;
      for (const alarm of reserved.alarms) this.#tellOfLowConversion(send, alarm);
      return reserved;
    } catch (error) {
      if (error instanceof OtpError && error.code !== 'otp_unavailable' && !isPassedOver(error, route)) {
        const { code, retryAfterSeconds } = error;
        const limit = error instanceof LimitError ? error.limit : undefined;
        this.parts.events.emit('otp.limited', { purpose, phone: maskPhone(phone), code, retryAfterSeconds, limit });
      }
      throw error;
    }
  }

  #tellOfLowConversion({ phone, address }: SendContext, { limit: scope, ...counts }: ConversionAlarm): void {
    const name = scope === 'address' ? maskAddress(address!) : maskPrefix(phone);
    this.parts.events.emit('otp.conversion_low', { scope, name, ...counts });
  }

  /**
   * The attempt is spent; now the one who made the code is asked. Only the provider's documented success counts, and only
   * if the challenge did not end meanwhile. A decoy takes as long.
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
      background.run(challenges.wrongCode(success.id).then((failures) => this.#noticeSpraying(failures)));
    }
    return undefined;
  }

  #started(
    handle: Handle,
    phone: string,
    { expiresAt, resendAt }: Pick<Reserved, 'expiresAt' | 'resendAt'>,
    { codeLength }: CodePolicy,
  ): StartedChallenge {
    return { challenge: formatHandle(handle), phone: maskPhone(phone), expiresAt, resendAt, codeLength };
  }

  #noticeSpraying(failures: number | null | undefined): void {
    const { settings, events } = this.parts;
    if (failures && failures % settings.sprayingFailures === 0) events.emit('otp.spraying', { failures });
  }

  /** The caller learns one of three answers; the log and the events learn why. */
  #refused(challengeId: string, purpose: string, attempt: Attempt): OtpError {
    const { refused_by: refusedBy, failures, retry_after: retryAfter } = attempt;
    const reason = refusedBy ?? 'wrong_code';
    this.#logger.log(`verify refused: ${reason}, purpose ${purpose}, challenge ${challengeId}`);
    this.parts.events.emit('otp.refused', { challengeId, purpose, reason });
    if (refusedBy === undefined) {
      const { failuresInARow, failuresPerHour } = this.parts.settings;
      const closed = attempt.failures_in_a_row >= failuresInARow;
      this.#noticeSpraying(attempt.wrong_codes);
      if (closed || failures >= failuresPerHour) {
        this.parts.events.emit('otp.locked_out', { challengeId, purpose, failures, closed });
      }
      return new OtpError('otp_invalid', 'This code is not right.');
    }
    return refusedBy === 'locked_out' ? lockedOut(retryAfter!) : otpUnavailable();
  }
}

const NONE: ReadonlySet<string> = new Set();

/** Its provider was stopped, and the route has another. */
function isPassedOver(error: unknown, { length }: Route): boolean {
  return error instanceof LimitError && error.limit === 'provider_stopped' && length > 1;
}

/**
 * A message that did not arrive is sent again by the next provider, and by the same one when there is no other. One that
 * finds codes by phone alone may hold a code of another challenge there, so it takes over from nobody.
 */
function nextAfter(name: string, candidates: readonly RegisteredProvider[]): RegisteredProvider[] {
  const at = candidates.findIndex((candidate) => candidate.name === name);
  const inTurn = [...candidates.slice(at + 1), ...candidates.slice(0, at + 1)];
  return inTurn.filter((candidate) => candidate.name === name || !candidate.policy.onePerPhone);
}

/** How the vendor knows a challenge. */
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
