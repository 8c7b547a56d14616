import { randomUUID } from 'node:crypto';

import { Logger } from '@nestjs/common';
import { CircuitState, circuitBreaker, ConsecutiveBreaker, handleWhenResult } from 'cockatiel';

import type { EventSink } from '../events/otp.events.js';
import type { Background } from './background.js';
import type {
  CheckReceipt,
  DeliveryProvider,
  OutgoingMessage,
  ProviderCall,
  Recipient,
  SendOutcome,
  SendReceipt,
  SingleProvider,
  VendorCheck,
  VendorStart,
} from './provider.js';

/** A message to send, whether this module or the vendor generates its code. */
export interface CodeMessage extends Omit<VendorStart, 'attemptId'> {
  readonly challengeId: string;
  /** 1 for the first message of the challenge. */
  readonly sendNumber: number;
  /** Renders the text with a code: this module's own, or one from a generator. */
  readonly render: (code: string) => { readonly text: string; readonly segments: number };
  /** This module's code, used if this module generates and checks it. */
  readonly code: string;
}

/** Result of one message, as stored with the challenge and in the log. */
export interface SendResult extends SendReceipt {
  readonly status: 'sent' | 'failed' | 'unknown';
  readonly latencyMs: number;
  /** SMS segments of the text; null if the vendor wrote the text. */
  readonly segments: number | null;
}

interface Bounds {
  readonly providerTimeoutMs: number;
  readonly maxSendsInFlight: number;
}

/** Consecutive vendor faults that open the circuit breaker, and how long it stays open. */
const BREAKS_AFTER = 5;
const BREAK_MS = 30_000;
/** Suggested wait while too many messages are in flight, or the application shuts down. */
const BUSY_SECONDS = 5;

/** Identifies one message to the vendor. It is derived, so a check can compute it again if the vendor's response was lost. */
export function attemptId(challengeId: string, sendNumber: number): string {
  return `${challengeId}-${sendNumber}`;
}

/**
 * Sends messages and checks to one provider, within a time limit and a limit on concurrent calls. A message is repeated only if the
 * vendor documents that the same key sends nothing twice. After 5 consecutive faults the circuit breaker stays open for 30 seconds;
 * only this outage is reported to every caller. No database connection is held during a call.
 */
export class ProviderClient {
  readonly #logger = new Logger('Otp');
  readonly #breaker = circuitBreaker(
    handleWhenResult((receipt) => isFault(receipt as SendReceipt | CheckReceipt)),
    { halfOpenAfter: BREAK_MS, breaker: new ConsecutiveBreaker(BREAKS_AFTER) },
  );
  #inFlight = 0;
  #brokenUntil = 0;
  #lastCheckMs: number | undefined;
  #lastSendMs = 0;

  constructor(
    private readonly provider: SingleProvider,
    private readonly events: EventSink,
    private readonly bounds: Bounds,
    private readonly background: Background,
  ) {
    this.#breaker.onBreak(() => {
      this.#brokenUntil = performance.now() + BREAK_MS;
      this.#logger.error(`${provider.name} failed ${BREAKS_AFTER} times in a row: not called for ${BREAK_MS / 1000} s`);
    });
  }

  /** Seconds until it accepts messages; 0 if it accepts them now. */
  get waitSeconds(): number {
    if (this.background.closing || this.#inFlight >= this.bounds.maxSendsInFlight) return BUSY_SECONDS;
    const wait = this.#brokenUntil - performance.now();
    return this.#breaker.state === CircuitState.Open && wait > 0 ? wait / 1000 : 0;
  }

  /** Sends a message and emits `otp.sent`; never throws. */
  async send(outgoing: CodeMessage): Promise<SendResult> {
    const { challengeId, sendNumber, purpose } = outgoing;
    let segments: number | null = null;
    const render = (code: string): string => {
      const message = outgoing.render(code);
      segments = message.segments; // counted here: a vendor that does not respond may still have sent it
      return message.text;
    };
    const attempt = () =>
      this.#measure<SendReceipt>((call) => this.#callVendor(outgoing, render, call), { outcome: 'unknown' });
    let [receipt, latencyMs] = await attempt();
    // The response was lost, and the reference with it. This vendor answers the same key alike and sends nothing twice.
    if (this.provider.capabilities.idempotent && statusOf(receipt) === 'unknown')
      [receipt, latencyMs] = await attempt();
    this.#lastSendMs = latencyMs;
    const { outcome } = receipt;
    const { name: provider } = this.provider;
    this.events.emit('otp.sent', { challengeId, purpose, sendNumber, provider, outcome, latencyMs, segments });
    if (outcome !== 'sent') this.#logger.warn(`${provider} answered "${outcome}" for challenge ${challengeId}`);
    return { ...receipt, status: statusOf(receipt), latencyMs, segments };
  }

  /** Whether the provider delivers texts that this module writes. */
  get deliversTexts(): boolean {
    return this.#delivery !== undefined;
  }

  /** Sends a text without a code if the provider {@link deliversTexts}; never throws. */
  async notify(
    notice: Pick<OutgoingMessage, 'phone' | 'region' | 'text' | 'locale' | 'purpose'>,
  ): Promise<SendOutcome | undefined> {
    const delivery = this.#delivery;
    if (!delivery) return undefined;
    const message = { ...notice, attemptId: randomUUID() };
    const [receipt] = await this.#measure<SendReceipt>((call) => delivery.send(message, call), { outcome: 'unknown' });
    return receipt.outcome;
  }

  get #delivery(): DeliveryProvider | undefined {
    if (this.provider.mode === 'generator') return this.provider.delivery;
    return this.provider.mode === 'delivery' ? this.provider : undefined;
  }

  /** Asks the vendor to check a code; never throws. Only the vendor's documented success counts as success. */
  async check(check: VendorCheck): Promise<CheckReceipt> {
    const { provider } = this;
    if (provider.mode === 'delivery') return { outcome: 'unknown' };
    const [receipt, latencyMs] = await this.#measure<CheckReceipt>((call) => provider.check(check, call), {
      outcome: 'unknown',
    });
    this.#lastCheckMs = latencyMs;
    if (isFault(receipt)) this.#logger.warn(`${provider.name} answered "${receipt.outcome}" to a check`);
    return receipt;
  }

  /** Waits as long as a recent check took, so that a decoy is indistinguishable from a code that the vendor checks. */
  async waitLikeACheck(): Promise<void> {
    if (this.provider.mode === 'delivery') return;
    const recentMs = this.#lastCheckMs ?? this.#lastSendMs;
    await new Promise((resolve) => setTimeout(resolve, recentMs));
  }

  /** Asks the vendor to cancel a code, if it supports that. Best effort, in the background. */
  forget(reference: Recipient & { attemptId: string; reference?: string }): void {
    const { provider } = this;
    if (provider.mode !== 'delegated' || !provider.cancel) return;
    const cancel = provider.cancel.bind(provider);
    this.background.run(this.#withTimeout((call) => cancel(reference, call), undefined));
  }

  /** The three modes differ in which side generates the code and which delivers it. */
  async #callVendor(outgoing: CodeMessage, render: (code: string) => string, call: ProviderCall): Promise<SendReceipt> {
    const { provider } = this;
    const request: VendorStart = { ...outgoing, attemptId: attemptId(outgoing.challengeId, outgoing.sendNumber) };
    if (provider.mode === 'delegated') return provider.start(vendorStart(request), call);
    if (provider.mode === 'delivery')
      return provider.send({ ...recipient(request), text: render(outgoing.code) }, call);

    const { code, ...generated } = await provider.generate(vendorStart(request), call);
    if (generated.outcome !== 'sent') return generated;
    if (code === undefined) return { ...generated, outcome: 'unknown' };
    const { reference } = generated;
    const delivered = await provider.delivery.send({ ...recipient(request), text: render(code) }, call);
    return { ...delivered, ...(reference !== undefined && { reference }) };
  }

  /** Always resolves to a receipt, with the duration of the call. */
  async #measure<R extends SendReceipt | CheckReceipt>(
    work: (call: ProviderCall) => Promise<R>,
    lost: R,
  ): Promise<[R | Broken, latencyMs: number]> {
    const began = performance.now();
    this.#inFlight++;
    try {
      return [
        await this.#throughBreaker(() => this.#withTimeout((call) => this.#receipt(work(call), lost), lost)),
        Math.round(performance.now() - began),
      ];
    } finally {
      this.#inFlight--;
    }
  }

  async #receipt<R extends SendReceipt | CheckReceipt>(answer: Promise<R>, lost: R): Promise<R> {
    const receipt = await answer;
    if (typeof receipt?.outcome === 'string') return receipt;
    this.#logger.error(`${this.provider.name} answered without an "outcome"`);
    return lost;
  }

  async #throughBreaker<R>(work: () => Promise<R>): Promise<R | Broken> {
    try {
      return await this.#breaker.execute(work);
    } catch {
      return { outcome: 'provider_unavailable' }; // the breaker is open: the vendor was not called
    }
  }

  async #withTimeout<T>(work: (call: ProviderCall) => Promise<T>, otherwise: T): Promise<T> {
    const deadline = new Deadline();
    let timer: NodeJS.Timeout | undefined;
    // An adapter that ignores the signal must not block the caller: the first to finish wins.
    const timeout = new Promise<T>((resolve) => {
      timer = setTimeout(() => {
        deadline.pass();
        resolve(otherwise);
      }, this.bounds.providerTimeoutMs);
    });
    try {
      return await Promise.race([this.#catchErrors(work, deadline, otherwise), timeout]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #catchErrors<T>(work: (call: ProviderCall) => Promise<T>, call: ProviderCall, otherwise: T): Promise<T> {
    try {
      return await work(call);
    } catch (error) {
      // The message of a thrown error may quote the vendor or the text, so only its name is logged.
      this.#logger.error(`${this.provider.name} threw ${(error as Error)?.name ?? 'a value that is not an error'}`);
      return otherwise;
    }
  }
}

/** Deadline of a call. It creates its signal lazily: an AbortController costs more than the rest of a call's overhead. */
class Deadline implements ProviderCall {
  #controller: AbortController | undefined;
  #passed = false;

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#passed) this.#controller.abort();
    return this.#controller.signal;
  }

  pass(): void {
    this.#passed = true;
    this.#controller?.abort();
  }
}

/** Receipt while the circuit breaker is open. */
type Broken = { readonly outcome: 'provider_unavailable' };

const recipient = ({ phone, region, locale, purpose, attemptId }: VendorStart) => ({
  phone,
  region,
  locale,
  purpose,
  attemptId,
});

const vendorStart = (request: VendorStart): VendorStart => ({
  ...recipient(request),
  appName: request.appName,
  codeLength: request.codeLength,
  ttlSeconds: request.ttlSeconds,
  maxAttempts: request.maxAttempts,
});

function isFault({ outcome }: SendReceipt | CheckReceipt): boolean {
  return outcome === 'unknown' || outcome === 'provider_unavailable';
}

function statusOf({ outcome, ambiguous = outcome === 'unknown' }: SendReceipt): SendResult['status'] {
  if (outcome === 'sent') return 'sent';
  return ambiguous ? 'unknown' : 'failed';
}
