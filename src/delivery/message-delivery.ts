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

/** A code on its way: everything the message needs, and nothing of it stored in the clear. */
export interface OutgoingCode {
  readonly challengeId: string;
  readonly sendNumber: number;
  readonly phone: PhoneNumber;
  readonly purpose: string;
  readonly locale: Locale;
  readonly code: string;
  /** The same code as the challenge keeps it, for a provider that leaves the check to this module. */
  readonly codeMac: StoredMac;
  /** What the message names beside the code, where something is confirmed. */
  readonly action?: ShownAction | undefined;
}

/**
 * Refusals that say nothing about the phone: another vendor may do better. Where the vendor speaks of the number or of its
 * own wait for it, another would be asked to get round that.
 */
const WORTH_ANOTHER: ReadonlySet<string> = new Set<SendOutcome>([
  'rejected_sender',
  'insufficient_balance',
  'unauthorized',
  'rate_limited',
  'provider_unavailable',
]);

const WITHHELD: SendResult = { status: 'failed', outcome: 'unknown', latencyMs: 0, segments: null };

/** Nor is another asked to send where a vendor's fraud guard will not. */
function isWorthAnother({ outcome, detail }: SendResult): boolean {
  return WORTH_ANOTHER.has(outcome) && detail !== 'blocked';
}

/** Brings a code to the phone, after its challenge is committed, and writes down what came of it. */
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
   * Anonymous callers do not wait: the time of the answer, and an outage, would tell which numbers have an account.
   * @param route in order: the next is asked only when the one before surely sent nothing
   * @throws {@link OtpError} `send_unavailable` or `otp_too_soon`, to signed-in callers only, when surely nothing was sent
   */
  async deliver(send: SendContext, tier: SenderTier, outgoing: OutgoingCode, route: Route): Promise<void> {
    if (send.account === null) return this.background.run(this.#sendUnlessRisky(outgoing, send, tier, route));

    const work = this.#sendAlong(outgoing, send, tier, route);
    this.background.run(work); // whoever waits may not be a request, which a shutdown waits for
    const { status, outcome, retryAfterSeconds } = await work;
    if (status !== 'failed') return;
    if (outcome === 'resend_too_soon' || outcome === 'rate_limited') {
      throw new OtpError('otp_too_soon', 'No further message can be sent yet. Try again later.', {
        retryAfterSeconds: retryAfterSeconds ?? send.cooldownSeconds,
      });
    }
    throw new OtpError('send_unavailable', 'The message could not be sent. Try again later.');
  }

  /** Nobody is waiting, so now a number can be asked after. What is withheld looks from outside like a message that got lost. */
  async #sendUnlessRisky(outgoing: OutgoingCode, send: SendContext, tier: SenderTier, route: Route): Promise<unknown> {
    const { phone, purpose } = outgoing;
    if (await this.checks.mayReceive({ phone: phone.e164, purpose })) {
      return this.#sendAlong(outgoing, send, tier, route);
    }
    return this.deliveries.recordFailure(
      { ...recordOf(outgoing, route[0], WITHHELD), outcome: 'withheld' },
      { ends: false },
    );
  }

  async #sendAlong(
    outgoing: OutgoingCode,
    send: SendContext,
    tier: SenderTier,
    [provider, ...others]: Route,
  ): Promise<SendResult> {
    const sent = await this.#send(outgoing, provider);
    const record = recordOf(outgoing, provider, sent);
    try {
      const [next, ...rest] =
        sent.status === 'failed' && isWorthAnother(sent) ? await this.#unstopped(others, send) : [];
      if (next) {
        const handedOver = await this.deliveries.handOver(record, issuedBy(next, outgoing.codeMac));
        return handedOver ? await this.#sendAlong(outgoing, send, tier, [next, ...rest]) : sent;
      }
      await this.#record(record, sent, provider, send, tier);
    } catch (error) {
      // The message is out and its code is stored: the answer stands. Later its outcome counts as unknown.
      this.#logger.error(
        `of challenge ${outgoing.challengeId} no answer could be recorded: ${(error as Error).message}`,
      );
    }
    return sent;
  }

  /** Those that no operator has stopped. Where none is left, the failure before them is the end. */
  async #unstopped(providers: readonly RegisteredProvider[], { region }: SendContext): Promise<RegisteredProvider[]> {
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
      render: (theirs) => this.messages.render({ purpose, locale, code: theirs, ttlSeconds, action }),
    });
  }

  /** Durably where somebody needs it: a failure ends what waits for it, and without its reference a code of the provider's could not be checked. */
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

/** What an adapter passes on of its vendor, if it can be written down: one odd text must not lose a whole batch. */
function storable(text: string | undefined): string | null {
  return text !== undefined && isStorable(text) ? text : null;
}
