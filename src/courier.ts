import { Logger } from '@nestjs/common';

import type { AbuseChecks } from './abuse/abuse-checks.js';
import type { SealedCode } from './challenge/code.js';
import type { Handle } from './challenge/handle.js';
import type { Lifecycle, Reserved } from './lifecycle/lifecycle.js';
import type { MarkParameters } from './lifecycle/mark.sql.js';
import type { BudgetClass, Limits, SendContext } from './limits/limits.js';
import type { MessageRenderer, ShownAction } from './messages/message-renderer.js';
import type { Locale } from './messages/texts.js';
import { OtpError } from './otp.error.js';
import type { PhoneNumber } from './phone/phone-number.js';
import type { Background } from './providers/background.js';
import type { Carrier, Route } from './providers/carriers.js';
import type { Dispatched } from './providers/dispatcher.js';
import type { SendOutcome } from './providers/provider.js';

/** A code on its way: everything the message and its mark need, and nothing of it stored in the clear. */
export interface Outgoing {
  readonly handle: Handle;
  readonly sendNumber: number;
  readonly phone: PhoneNumber;
  readonly purpose: string;
  readonly locale: Locale;
  readonly code: string;
  /** The same code as the challenge keeps it, for a provider that leaves the check to this module. */
  readonly sealed: SealedCode;
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

const WITHHELD: Dispatched = { status: 'failed', outcome: 'unknown', latencyMs: 0, segments: null };

/** Nor is another asked to send where a vendor's fraud guard will not. */
function isWorthAnother({ outcome, detail }: Dispatched): boolean {
  return WORTH_ANOTHER.has(outcome) && detail !== 'blocked';
}

/** Brings a code to the phone, after its challenge is committed, and writes down what came of it. */
export class Courier {
  readonly #logger = new Logger('Otp');

  constructor(
    private readonly background: Background,
    private readonly lifecycle: Lifecycle,
    private readonly limits: Limits,
    private readonly messages: MessageRenderer,
    private readonly checks: AbuseChecks,
    private readonly appName: string,
  ) {}

  /**
   * Anonymous callers do not wait: the time of the answer, and an outage, would tell which numbers have an account.
   * @param carriers in order: the next is asked only when the one before surely sent nothing
   * @throws {@link OtpError} `send_unavailable` or `otp_too_soon`, to signed-in callers only, when surely nothing was sent
   */
  async deliver(
    send: SendContext,
    { class: budgetClass }: Reserved,
    outgoing: Outgoing,
    carriers: Route,
  ): Promise<void> {
    if (!send.signedIn) return this.background.run(this.#carryUnlessRisky(outgoing, send, budgetClass, carriers));

    const work = this.#carry(outgoing, send, budgetClass, carriers);
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
  async #carryUnlessRisky(outgoing: Outgoing, send: SendContext, budgetClass: BudgetClass, carriers: Route) {
    const { phone, purpose } = outgoing;
    if (await this.checks.mayReceive({ phone: phone.e164, purpose })) {
      return this.#carry(outgoing, send, budgetClass, carriers);
    }
    return this.lifecycle.mark({ ...markOf(outgoing, carriers[0], WITHHELD), outcome: 'withheld' });
  }

  async #carry(
    outgoing: Outgoing,
    send: SendContext,
    budgetClass: BudgetClass,
    [carrier, ...others]: Route,
  ): Promise<Dispatched> {
    const sent = await this.#send(outgoing, carrier);
    const mark = markOf(outgoing, carrier, sent);
    try {
      const [next, ...rest] =
        sent.status === 'failed' && isWorthAnother(sent) ? await this.#unstopped(others, send) : [];
      if (next) {
        const taken = await this.lifecycle.handOver({ ...mark, ...takeover(next, outgoing.sealed) });
        return taken ? await this.#carry(outgoing, send, budgetClass, [next, ...rest]) : sent;
      }
      await this.#mark(mark, sent, send, budgetClass);
    } catch (error) {
      // The message is out and its code is stored: the answer stands. The row stays "sending" and later counts as "unknown".
      this.#logger.error(`challenge ${outgoing.handle.id} could not be marked: ${(error as Error).message}`);
    }
    return sent;
  }

  /** Those that no operator has stopped. Where none is left, the failure before them is the end. */
  async #unstopped(carriers: readonly Carrier[], send: SendContext): Promise<Carrier[]> {
    const stops = await Promise.all(
      carriers.map(({ name }) => this.lifecycle.stops(this.limits.stopKeysOf({ ...send, provider: name }))),
    );
    return carriers.filter((_, at) => stops[at]!.length === 0);
  }

  #send(outgoing: Outgoing, { dispatcher, terms }: Carrier): Promise<Dispatched> {
    const { handle, sendNumber, phone, purpose, locale, code, action } = outgoing;
    const { ttlSeconds, codeLength, maxTries } = terms;
    return dispatcher.send({
      challengeId: handle.id,
      sendNumber,
      phone: phone.e164,
      region: phone.region,
      purpose,
      locale,
      appName: this.appName,
      codeLength,
      ttlSeconds,
      maxTries,
      code,
      render: (theirs) => this.messages.render({ purpose, locale, code: theirs, ttlSeconds, action }),
    });
  }

  async #mark(mark: MarkParameters, sent: Dispatched, send: SendContext, budgetClass: BudgetClass): Promise<void> {
    const cooldownSeconds = sent.retryAfterSeconds ?? 0;
    const ends = send.signedIn;
    if (sent.status === 'failed' && (ends || cooldownSeconds > 0)) {
      const cooldownKey = this.limits.cooldownOf(send, budgetClass);
      await this.lifecycle.fail({ ...mark, cooldownKey, cooldownSeconds, ends });
    } else {
      await this.lifecycle.mark(mark);
    }
  }
}

function markOf({ handle, sendNumber }: Outgoing, { name, terms }: Carrier, sent: Dispatched): MarkParameters {
  return {
    id: handle.id,
    sendNumber,
    status: sent.status,
    provider: name,
    providerRef: sent.reference ?? null,
    outcome: sent.outcome,
    segments: sent.segments,
    cost: sent.cost ? `${sent.cost.amount} ${sent.cost.unit}` : null,
    latencyMs: sent.latencyMs,
    // Without the vendor's reference a code of theirs could not be checked, so its mark must not be lost.
    durable: terms.checker === 'vendor',
  };
}

function takeover({ name, terms }: Carrier, { mac, keyId }: SealedCode) {
  return {
    nextProvider: name,
    nextChecker: terms.checker,
    nextVendorSlot: terms.onePerPhone ? name : null,
    nextCodeMac: mac,
    nextKeyId: keyId,
    nextMaxTries: terms.maxTries,
    nextTtlSeconds: terms.ttlSeconds,
  };
}
