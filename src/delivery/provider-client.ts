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

/** A message to be sent, whoever makes its code. */
export interface CodeMessage extends Omit<VendorStart, 'attemptId'> {
  readonly challengeId: string;
  /** 1 for the first message of the challenge. */
  readonly sendNumber: number;
  /** Writes the text around a code: ours, or one that a generator made. */
  readonly render: (code: string) => { readonly text: string; readonly segments: number };
  /** Ours, where this module makes and checks the code. */
  readonly code: string;
}

/** What came of one message, as the challenge and the log keep it. */
export interface SendResult extends SendReceipt {
  readonly status: 'sent' | 'failed' | 'unknown';
  readonly latencyMs: number;
  /** SMS segments of the text; null where none of ours was handed over. */
  readonly segments: number | null;
}

interface Bounds {
  readonly providerTimeoutMs: number;
  readonly maxSendsInFlight: number;
}

/** Faults of the vendor in a row that open its breaker, and how long it stays open. */
const BREAKS_AFTER = 5;
const BREAK_MS = 30_000;
/** When there is too much to do, or the application closes. */
const BUSY_SECONDS = 5;

/** Names one message to the vendor: derived, so it is known again at the check even when the vendor's answer was lost. */
export function attemptId(challengeId: string, sendNumber: number): string {
  return `${challengeId}-${sendNumber}`;
}

/**
 * Carries messages and checks to one provider: within a time limit, no more at once than allowed, and never twice unless the
 * vendor documents that a repeat of the same key sends nothing. A vendor that fails time and again is left alone for a while, which is the only outage that every
 * caller is told of. No database connection is held meanwhile.
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
      this.#logger.error(`${provider.name} failed ${BREAKS_AFTER} times in a row: left alone for ${BREAK_MS / 1000} s`);
    });
  }

  /** How long to wait before it can take something on: 0 when it can now. */
  get waitSeconds(): number {
    if (this.background.closing || this.#inFlight >= this.bounds.maxSendsInFlight) return BUSY_SECONDS;
    const wait = this.#brokenUntil - performance.now();
    return this.#breaker.state === CircuitState.Open && wait > 0 ? wait / 1000 : 0;
  }

  /** Sends and reports; never throws. */
  async send(outgoing: CodeMessage): Promise<SendResult> {
    const { challengeId, sendNumber, purpose } = outgoing;
    let segments: number | null = null;
    const write = (code: string): string => {
      const message = outgoing.render(code);
      segments = message.segments; // counted here, since a vendor that does not answer may have sent it all the same
      return message.text;
    };
    const hand = () => this.#timed<SendReceipt>((call) => this.#hand(outgoing, write, call), { outcome: 'unknown' });
    let [receipt, latencyMs] = await hand();
    // Its answer was lost, and with it the reference. This vendor gives the same answer to the same key, and sends nothing twice.
    if (this.provider.capabilities.idempotent && statusOf(receipt) === 'unknown') [receipt, latencyMs] = await hand();
    this.#lastSendMs = latencyMs;
    const { outcome } = receipt;
    const { name: provider } = this.provider;
    this.events.emit('otp.sent', { challengeId, purpose, sendNumber, provider, outcome, latencyMs, segments });
    if (outcome !== 'sent') this.#logger.warn(`${provider} answered "${outcome}" for challenge ${challengeId}`);
    return { ...receipt, status: statusOf(receipt), latencyMs, segments };
  }

  /** Whether it can bring a text of ours to a phone. */
  get carriesTexts(): boolean {
    return this.#delivery !== undefined;
  }

  /** Carries a text without a code, where it {@link carriesTexts}; never throws. */
  async notify(
    notice: Pick<OutgoingMessage, 'phone' | 'region' | 'text' | 'locale' | 'purpose'>,
  ): Promise<SendOutcome | undefined> {
    const delivery = this.#delivery;
    if (!delivery) return undefined;
    const message = { ...notice, attemptId: randomUUID() };
    const [receipt] = await this.#timed<SendReceipt>((call) => delivery.send(message, call), { outcome: 'unknown' });
    return receipt.outcome;
  }

  get #delivery(): DeliveryProvider | undefined {
    if (this.provider.mode === 'generator') return this.provider.delivery;
    return this.provider.mode === 'delivery' ? this.provider : undefined;
  }

  /** Asks the vendor whether a code is right; never throws. Whatever is not its documented success is not a success. */
  async check(check: VendorCheck): Promise<CheckReceipt> {
    const { provider } = this;
    if (provider.mode === 'delivery') return { outcome: 'unknown' };
    const [receipt, latencyMs] = await this.#timed<CheckReceipt>((call) => provider.check(check, call), {
      outcome: 'unknown',
    });
    this.#lastCheckMs = latencyMs;
    if (isFault(receipt)) this.#logger.warn(`${provider.name} answered "${receipt.outcome}" to a check`);
    return receipt;
  }

  /** As long as a recent check took: what a decoy waits, so that it cannot be told from a code that the vendor checks. */
  async waitLikeACheck(): Promise<void> {
    if (this.provider.mode === 'delivery') return;
    const recentMs = this.#lastCheckMs ?? this.#lastSendMs;
    await new Promise((resolve) => setTimeout(resolve, recentMs));
  }

  /** Tells the vendor to forget a code, where it can. Best effort, and nobody waits. */
  forget(reference: Recipient & { attemptId: string; reference?: string }): void {
    const { provider } = this;
    if (provider.mode !== 'delegated' || !provider.cancel) return;
    const cancel = provider.cancel.bind(provider);
    this.background.run(this.#within((call) => cancel(reference, call), undefined));
  }

  /** The three modes differ in who makes the code and who brings it. */
  async #hand(outgoing: CodeMessage, write: (code: string) => string, call: ProviderCall): Promise<SendReceipt> {
    const { provider } = this;
    const request: VendorStart = { ...outgoing, attemptId: attemptId(outgoing.challengeId, outgoing.sendNumber) };
    if (provider.mode === 'delegated') return provider.start(vendorStart(request), call);
    if (provider.mode === 'delivery') return provider.send({ ...recipient(request), text: write(outgoing.code) }, call);

    const { code, ...made } = await provider.generate(vendorStart(request), call);
    if (made.outcome !== 'sent') return made;
    if (code === undefined) return { ...made, outcome: 'unknown' };
    const { reference } = made;
    const delivered = await provider.delivery.send({ ...recipient(request), text: write(code) }, call);
    return { ...delivered, ...(reference !== undefined && { reference }) };
  }

  /** A receipt, whatever happens. */
  async #timed<R extends SendReceipt | CheckReceipt>(
    work: (call: ProviderCall) => Promise<R>,
    lost: R,
  ): Promise<[R | Broken, latencyMs: number]> {
    const began = performance.now();
    this.#inFlight++;
    try {
      return [
        await this.#throughBreaker(() => this.#within((call) => this.#receipt(work(call), lost), lost)),
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
      return { outcome: 'provider_unavailable' }; // it is open and did not call: surely nothing was sent
    }
  }

  async #within<T>(work: (call: ProviderCall) => Promise<T>, otherwise: T): Promise<T> {
    const deadline = new Deadline();
    let timer: NodeJS.Timeout | undefined;
    // An adapter that does not mind the signal must not hold the caller: whichever comes first counts.
    const timeout = new Promise<T>((resolve) => {
      timer = setTimeout(() => {
        deadline.pass();
        resolve(otherwise);
      }, this.bounds.providerTimeoutMs);
    });
    try {
      return await Promise.race([this.#guarded(work, deadline, otherwise), timeout]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #guarded<T>(work: (call: ProviderCall) => Promise<T>, call: ProviderCall, otherwise: T): Promise<T> {
    try {
      return await work(call);
    } catch (error) {
      // What an adapter throws can quote its vendor, or the message: only its kind is worth a line.
      this.#logger.error(`${this.provider.name} threw ${(error as Error)?.name ?? 'something'}`);
      return otherwise;
    }
  }
}

/** The end of a call's time. Its signal is made for an adapter that asks for it, as it costs more than all else around a call. */
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

/** The breaker is open. */
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
