import { Logger } from '@nestjs/common';

import { type Handle } from './challenge/handle.js';
import type { Lifecycle, Reserved } from './lifecycle/lifecycle.js';
import type { BudgetClass, Limits, SendContext } from './limits/limits.js';
import type { MessageRenderer, ShownAction } from './messages/message-renderer.js';
import type { Locale } from './messages/texts.js';
import { OtpError } from './otp.error.js';
import type { PhoneNumber } from './phone/phone-number.js';
import type { Dispatched, Dispatcher } from './providers/dispatcher.js';
import type { Terms } from './providers/terms.js';

/** A code on its way: everything the message and its mark need, and nothing of it stored in the clear. */
export interface Outgoing {
  readonly handle: Handle;
  readonly sendNumber: number;
  readonly phone: PhoneNumber;
  readonly purpose: string;
  readonly locale: Locale;
  readonly code: string;
  /** What the message names beside the code, where something is confirmed. */
  readonly action?: ShownAction | undefined;
}

/** Brings a code to the phone, after its challenge is committed, and writes down what came of it. */
export class Courier {
  readonly #logger = new Logger('Otp');

  constructor(
    private readonly dispatcher: Dispatcher,
    private readonly lifecycle: Lifecycle,
    private readonly limits: Limits,
    private readonly messages: MessageRenderer,
    private readonly terms: Terms,
    private readonly appName: string,
  ) {}

  /**
   * Anonymous callers do not wait: the time of the answer, and an outage, would tell which numbers have an account.
   * @throws {@link OtpError} `send_unavailable` or `otp_too_soon`, to signed-in callers only, when surely nothing was sent
   */
  async deliver(send: SendContext, { class: budgetClass }: Reserved, outgoing: Outgoing): Promise<void> {
    const work = this.#sendAndMark(outgoing, send, budgetClass);
    if (!send.signedIn) return this.dispatcher.background(work);

    const { status, outcome, retryAfterSeconds } = await work;
    if (status !== 'failed') return;
    if (outcome === 'resend_too_soon' || outcome === 'rate_limited') {
      throw new OtpError('otp_too_soon', 'No further message can be sent yet. Try again later.', {
        retryAfterSeconds: retryAfterSeconds ?? this.terms.cooldownSeconds,
      });
    }
    throw new OtpError('send_unavailable', 'The message could not be sent. Try again later.');
  }

  async #sendAndMark(outgoing: Outgoing, send: SendContext, budgetClass: BudgetClass): Promise<Dispatched> {
    const { handle, sendNumber, phone, purpose, locale, code, action } = outgoing;
    const { ttlSeconds, codeLength, maxTries } = this.terms;
    const sent = await this.dispatcher.send({
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
    try {
      await this.#mark(outgoing, sent, send, budgetClass);
    } catch (error) {
      // The message is out and its code is stored: the answer stands. The row stays "sending" and later counts as "unknown".
      this.#logger.error(`challenge ${handle.id} could not be marked: ${(error as Error).message}`);
    }
    return sent;
  }

  async #mark(
    { handle, sendNumber }: Outgoing,
    sent: Dispatched,
    send: SendContext,
    budgetClass: BudgetClass,
  ): Promise<void> {
    const mark = {
      id: handle.id,
      sendNumber,
      status: sent.status,
      provider: this.dispatcher.providerName,
      providerRef: sent.reference ?? null,
      outcome: sent.outcome,
      segments: sent.segments,
      cost: sent.cost ? `${sent.cost.amount} ${sent.cost.unit}` : null,
      latencyMs: sent.latencyMs,
      // Without the vendor's reference a code of theirs could not be checked, so its mark must not be lost.
      durable: this.terms.checker === 'vendor',
    };
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
