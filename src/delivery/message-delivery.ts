import { Logger } from '@nestjs/common';

import type { AbuseChecks } from '../abuse/abuse-checks.js';
import type { StoredMac } from '../crypto/keyed-hash.js';
import type { SendLog, SendRecord } from './send-log.js';
import { hex } from '../database/hex.js';
import { isStorable } from '../errors/input.js';
import type { SenderTier } from '../limits/limit-definitions.js';
import type { Limits, SendContext } from '../limits/limits.js';
import type { SendingStops } from '../limits/sending-stops.js';
import type { MessageRenderer, ShownAction } from '../messages/message-renderer.js';
import type { Locale } from '../messages/texts.js';
import { OtpError } from '../errors/otp.error.js';
import type { PhoneNumber } from '../phone/phone-number.js';
import type { Background } from './background.js';
import type { Deliveries } from './deliveries.js';
import { issuedBy, type RegisteredProvider, type Route } from './provider-registry.js';
import type { SendResult } from './provider-client.js';
import type { SendOutcome } from './provider.js';

/** A code to deliver, with everything the message needs. The code is never stored in plain text. */
export interface OutgoingCode {
  readonly challengeId: string;
  readonly sendNumber: number;
  readonly phone: PhoneNumber;
  readonly purpose: string;
  readonly locale: Locale;
  readonly code: string;
  /** MAC of the same code, as the challenge stores it, for providers whose codes this module checks. */
  readonly codeMac: StoredMac;
  /** The action that the message names, if the code confirms one. */
  readonly action?: ShownAction | undefined;
}

/**
 * Refusals unrelated to the phone number, so another vendor may succeed. A refusal of the number, or a vendor's own wait for it,
 * does not fail over: that would circumvent the vendor's protection.
 */
const FAILOVER_OUTCOMES: ReadonlySet<string> = new Set<SendOutcome>([
  'rejected_sender',
  'insufficient_balance',
  'unauthorized',
  'rate_limited',
  'provider_unavailable',
]);

const WITHHELD: SendResult = { status: 'failed', outcome: 'unknown', latencyMs: 0, segments: null };

/** A message that a vendor's fraud guard blocked does not fail over either. */
function allowsFailover({ outcome, detail }: SendResult): boolean {
  return FAILOVER_OUTCOMES.has(outcome) && detail !== 'blocked';
}

/** Delivers a code after its challenge is committed, and records the outcome. */
export class MessageDelivery {
  readonly #logger = new Logger('Otp');

  constructor(
    private readonly background: Background,
    private readonly deliveries: Deliveries,
    private readonly sendLog: SendLog,
    private readonly stops: SendingStops,
    private readonly limits: Limits,
    private readonly messages: MessageRenderer,
    private readonly checks: AbuseChecks,
    private readonly appName: string,
  ) {}

  /**
   * Anonymous callers do not wait: response times and outages would reveal which numbers have an account.
   * @param route in order of preference; the next provider is used only if the previous one certainly sent nothing
   * @throws {@link OtpError} `send_unavailable` or `otp_too_soon`, for signed-in callers only, if certainly nothing was sent
   */
  async deliver(send: SendContext, tier: SenderTier, outgoing: OutgoingCode, route: Route): Promise<void> {
    if (send.account === null) return this.background.run(this.#sendUnlessRisky(outgoing, send, tier, route));

    const work = this.#sendWithFailover(outgoing, send, tier, route);
    this.background.run(work); // keeps shutdown waiting even if the caller is not a request
    const { status, outcome, retryAfterSeconds } = await work;
    if (status !== 'failed') return;
    if (outcome === 'resend_too_soon' || outcome === 'rate_limited') {
      throw new OtpError('otp_too_soon', 'No further message can be sent yet. Try again later.', {
        retryAfterSeconds: retryAfterSeconds ?? send.cooldownSeconds,
      });
    }
    throw new OtpError('send_unavailable', 'The message could not be sent. Try again later.');
  }

  /** Consults `PhoneRisk` first; no caller waits for it. From outside, a withheld message looks like a lost one. */
  async #sendUnlessRisky(outgoing: OutgoingCode, send: SendContext, tier: SenderTier, route: Route): Promise<unknown> {
    const { phone, purpose } = outgoing;
    if (await this.checks.mayReceive({ phone: phone.e164, purpose })) {
      return this.#sendWithFailover(outgoing, send, tier, route);
    }
    return this.deliveries.recordFailure(
      { ...recordOf(outgoing, route[0], WITHHELD), outcome: 'withheld' },
      { ends: false },
    );
  }

  async #sendWithFailover(
    outgoing: OutgoingCode,
    send: SendContext,
    tier: SenderTier,
    [provider, ...others]: Route,
  ): Promise<SendResult> {
    const sent = await this.#send(outgoing, provider);
    const record = recordOf(outgoing, provider, sent);
    try {
      const [next, ...rest] =
        sent.status === 'failed' && allowsFailover(sent) ? await this.#withoutStops(others, send) : [];
      if (next) {
        const handedOver = await this.deliveries.handOver(record, issuedBy(next, outgoing.codeMac));
        return handedOver ? await this.#sendWithFailover(outgoing, send, tier, [next, ...rest]) : sent;
      }
      await this.#record(record, sent, provider, send, tier);
    } catch (error) {
      // The message is sent and its code is stored, so the result stands. Its recorded outcome stays unknown.
      this.#logger.error(
        `could not record the outcome of challenge ${outgoing.challengeId}: ${(error as Error).message}`,
      );
    }
    return sent;
  }

  /** Removes providers with a sending stop. If none remains, the previous failure is final. */
  async #withoutStops(
    providers: readonly RegisteredProvider[],
    { region }: SendContext,
  ): Promise<RegisteredProvider[]> {
    if (providers.length === 0) return [];
    const stops = await this.stops.inForce();
    return providers.filter(({ name }) => !stops.some((stop) => stop.covers(region, name)));
  }

  #send(outgoing: OutgoingCode, { client, policy }: RegisteredProvider): Promise<SendResult> {
    const { challengeId, sendNumber, phone, purpose, locale, code, action } = outgoing;
    const { ttlSeconds, codeLength, maxAttempts } = policy;
    return client.send({
      challengeId,
      sendNumber,
      phone: phone.e164,
      region: phone.region,
      purpose,
      locale,
      appName: this.appName,
      codeLength,
      ttlSeconds,
      maxAttempts,
      code,
      render: (rendered) => this.messages.render({ purpose, locale, code: rendered, ttlSeconds, action }),
    });
  }

  /** Writes a failure, and the reference of a provider-checked code, before returning; everything else in batches. */
  async #record(
    record: SendRecord,
    { status, reference, retryAfterSeconds: seconds }: SendResult,
    { policy }: RegisteredProvider,
    send: SendContext,
    tier: SenderTier,
  ): Promise<void> {
    if (status === 'failed') {
      const ends = send.account !== null;
      const cooldown = { party: this.limits.partyOf(send, tier), tier, seconds };
      return this.deliveries.recordFailure(record, { ends, ...((ends || seconds) && { cooldown }) });
    }
    if (policy.checkedBy === 'provider' && reference !== undefined)
      return this.deliveries.recordDelivery(record, status);
    const { purpose, account, phoneHash } = send;
    this.background.run(
      this.sendLog.log({ ...record, event: status, purpose, account, phone_hash: hex(phoneHash), tier }),
    );
  }
}

function recordOf(
  { challengeId, sendNumber }: OutgoingCode,
  { name }: RegisteredProvider,
  sent: SendResult,
): SendRecord {
  return {
    challenge_id: challengeId,
    send_number: sendNumber,
    provider: name,
    provider_ref: storable(sent.reference),
    outcome: sent.outcome,
    segments: sent.segments,
    cost: storable(sent.cost && `${sent.cost.amount} ${sent.cost.unit}`),
    latency_ms: sent.latencyMs,
  };
}

/** Drops vendor text that PostgreSQL cannot store: one bad value must not fail a whole batch. */
function storable(text: string | undefined): string | null {
  return text !== undefined && isStorable(text) ? text : null;
}
