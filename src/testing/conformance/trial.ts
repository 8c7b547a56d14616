import { randomInt } from 'node:crypto';
import { inspect } from 'node:util';

import type { HttpExchange } from '../../providers/provider-kit/http-client.js';
import type { CheckReceipt, ProviderCall, SendReceipt, SingleProvider } from '../../delivery/provider.js';
import { within } from '../../delivery/code-policy.js';
import type { SimulatedMessage, VendorSimulator } from '../../simulators/simulator.js';
import type { MakeSubject, ProviderSubject } from './subject.js';

/** With the signs that JSON, URLs and forms write in their own way. */
export const KEY = 'canary-key+/==';
const OTHER_KEY = 'another-key';

/** What an application asks for where the vendor lets it choose. */
const WISHES = { codeLength: 6, ttlSeconds: 300, maxAttempts: 5, cooldownSeconds: 60 };
const CHALLENGE = '0193f1d2-6a0b-7c3d-8e4f-5a6b7c8d9e0f';
const DAY_SECONDS = 86_400;
/** Time enough for a vendor on this machine. */
const PATIENCE_MS = 4_000;
/** Time enough for it to do what it does before it answers. */
const MOMENT_MS = 25;

/** A message as it was asked for, and what came of it. */
export interface Attempt {
  readonly attemptId: string;
  readonly receipt: SendReceipt;
  /** In the message, or in the vendor's answer where somebody else brings it. */
  readonly code: string;
  /** What a `delivery` adapter was given. */
  readonly text: string;
}

/** An adapter at a simulator of its vendor, for the length of a test. */
export class Trial {
  readonly subject: ProviderSubject;
  /** What the adapter showed. */
  readonly exchanges: HttpExchange[] = [];
  /** What the adapter threw: to the module each is the outcome `unknown`. */
  readonly thrown: unknown[] = [];
  readonly #make: MakeSubject;
  #vendor: VendorSimulator;
  #provider: SingleProvider;
  #attempts = 0;
  // Set back, so that a vendor whose answers bear a time is still believed minutes later.
  #aheadMs = (-WISHES.ttlSeconds / 2) * 1000;

  constructor(make: MakeSubject) {
    this.#make = make;
    this.subject = this.#subjectWith(KEY);
    this.#vendor = this.subject.simulator;
    this.#provider = this.subject.provider();
  }

  async start(): Promise<this> {
    await this.#vendor.start();
    this.#provider = this.subject.provider();
    return this;
  }

  async end(): Promise<void> {
    await this.#vendor.stop();
  }

  /** Pulls the plug. */
  async stop(): Promise<void> {
    await this.#vendor.stop();
    // Until kept connections know that their other end is gone.
    await new Promise((resolve) => setTimeout(resolve, 50));
  }

  /** Mends what {@link stop} broke. */
  async resume(): Promise<void> {
    await this.#vendor.start();
  }

  /** Puts a vendor in this one's place that knows another key only. */
  async changeLocks(): Promise<void> {
    const port = Number(new URL(this.#vendor.url).port);
    await this.stop();
    this.#vendor = this.#subjectWith(OTHER_KEY).simulator;
    await this.#vendor.start(port);
  }

  get vendor(): VendorSimulator {
    return this.#vendor;
  }

  get provider(): SingleProvider {
    return this.#provider;
  }

  get figures() {
    const { codeLength, ttlSeconds, maxAttempts, resendCooldown } = this.#provider.capabilities;
    const lifetime = ttlSeconds === 'unknown' ? DAY_SECONDS : within(ttlSeconds, WISHES.ttlSeconds);
    const cooldown = resendCooldown === 'ttl' ? lifetime : resendCooldown;
    return {
      codeLength,
      ttlSeconds: lifetime,
      maxAttempts: within(maxAttempts, WISHES.maxAttempts),
      cooldownSeconds: cooldown === 'unknown' ? WISHES.cooldownSeconds : cooldown,
    };
  }

  /** Lets time pass at the vendor. */
  elapse(seconds: number): void {
    this.#aheadMs += seconds * 1000;
  }

  /** Fires when the vendor has had the next request for a moment: it did its work, and nobody waits for its answer. */
  lostAnswer(): AbortSignal {
    const controller = new AbortController();
    const before = this.#vendor.requests.length;
    const deadline = Date.now() + PATIENCE_MS;
    const timer = setInterval(() => {
      if (this.#vendor.requests.length === before && Date.now() < deadline) return;
      clearInterval(timer);
      setTimeout(() => controller.abort(), MOMENT_MS).unref();
    }, 1).unref();
    return controller.signal;
  }

  /** Whether, in a moment, no connection to the vendor is in the middle of an answer any more. */
  async isLeftAlone(): Promise<boolean> {
    const deadline = Date.now() + PATIENCE_MS / 2;
    while (this.#vendor.answering > 0 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 5));
    return this.#vendor.answering === 0;
  }

  /** Asks for a message, once the vendor takes another. */
  async send(options: { signal?: AbortSignal; code?: string } = {}): Promise<Attempt> {
    if (this.#attempts > 0) this.elapse(this.figures.cooldownSeconds);
    return this.sendAtOnce(options);
  }

  async sendAtOnce({
    attemptId = `${CHALLENGE}-${++this.#attempts}`,
    code: ours = String(randomInt(1_000_000)).padStart(6, '0'),
    signal = AbortSignal.timeout(PATIENCE_MS),
  } = {}): Promise<Attempt> {
    const text = `${ours} رمزك في أكمي, "Acme" & Co. +1%`;
    const { code: made, ...receipt } = await this.#receipt(() => this.#ask(attemptId, text, { signal }));
    return { attemptId, receipt, text, code: made ?? this.messages()[0]?.code ?? ours };
  }

  async check(
    { attemptId, receipt }: Attempt,
    code: string,
    { signal = AbortSignal.timeout(PATIENCE_MS) } = {},
  ): Promise<CheckReceipt> {
    const { provider } = this;
    if (provider.mode === 'delivery') return { outcome: 'unknown' };
    const { reference } = receipt;
    const request = { ...this.#recipient(attemptId), code, ...(reference !== undefined && { reference }) };
    return this.#receipt(async () => provider.check(request, { signal }));
  }

  /** What arrived at the phone, newest first. */
  messages(): SimulatedMessage[] {
    return this.#vendor.messages(this.subject.phone);
  }

  /** Everything that the adapter gave away of itself. */
  get shown(): string {
    const parts = [
      this.exchanges,
      this.thrown,
      Object.entries(this.#provider),
      inspect(this.#provider, { showHidden: true, depth: 9 }),
    ];
    return inspect(parts, { depth: 9, maxArrayLength: null, maxStringLength: null }) + JSON.stringify(parts);
  }

  #subjectWith(key: string): ProviderSubject {
    const now = () => Date.now() + this.#aheadMs;
    return this.#make({ key, now, onExchange: (exchange) => void this.exchanges.push(exchange) });
  }

  #recipient(attemptId: string) {
    const { phone, region } = this.subject;
    return { phone, region, attemptId };
  }

  async #ask(attemptId: string, text: string, call: ProviderCall): Promise<SendReceipt & { code?: string }> {
    const { provider } = this;
    const common = { ...this.#recipient(attemptId), purpose: 'login', locale: 'en' };
    if (provider.mode === 'delivery') return provider.send({ ...common, text }, call);
    const { codeLength, ttlSeconds, maxAttempts } = WISHES;
    const request = { ...common, appName: 'Acme', codeLength, ttlSeconds, maxAttempts };
    return provider.mode === 'delegated' ? provider.start(request, call) : provider.generate(request, call);
  }

  /** As the module takes it: a throw is `unknown`. */
  async #receipt<R extends SendReceipt | CheckReceipt>(work: () => Promise<R>): Promise<R> {
    try {
      return await work();
    } catch (error) {
      this.thrown.push(error);
      return { outcome: 'unknown' } as R;
    }
  }
}

/** A code that is not this one. */
export function wrong(code: string): string {
  return code.replace(/\d$/, (digit) => String((Number(digit) + 1) % 10));
}

/** What a receipt says of the message: what became of it, and whether it may be on its way all the same. */
export function fateOf({
  outcome,
  ambiguous = outcome === 'unknown',
}: SendReceipt): Required<Pick<SendReceipt, 'outcome' | 'ambiguous'>> {
  return { outcome, ambiguous };
}
