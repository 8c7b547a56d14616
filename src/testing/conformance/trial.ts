import { randomInt } from 'node:crypto';
import { inspect } from 'node:util';

import type { HttpExchange } from '../../providers/provider-kit/http-client.js';
import type { CheckReceipt, ProviderCall, SendReceipt, SingleProvider } from '../../delivery/provider.js';
import { within } from '../../delivery/code-policy.js';
import type { SimulatedMessage, VendorSimulator } from '../../simulators/simulator.js';
import type { MakeSubject, ProviderSubject } from './subject.js';

/** Contains the characters that JSON, URLs and forms escape. */
export const KEY = 'canary-key+/==';
const OTHER_KEY = 'another-key';

/** What an application requests where the vendor offers a choice. */
const WISHES = { codeLength: 6, ttlSeconds: 300, maxAttempts: 5, cooldownSeconds: 60 };
const CHALLENGE = '0193f1d2-6a0b-7c3d-8e4f-5a6b7c8d9e0f';
const DAY_SECONDS = 86_400;
/** Enough time for a vendor on this machine to answer. */
const PATIENCE_MS = 4_000;
/** Enough time for a vendor to act before it answers. */
const MOMENT_MS = 25;

/** A requested message and its result. */
export interface Attempt {
  readonly attemptId: string;
  readonly receipt: SendReceipt;
  /** The code in the message, or in the vendor's answer if another provider delivers it. */
  readonly code: string;
  /** The text passed to a `delivery` adapter. */
  readonly text: string;
}

/** An adapter connected to a simulator of its vendor, for one test. */
export class Trial {
  readonly subject: ProviderSubject;
  /** The exchanges that the adapter reported. */
  readonly exchanges: HttpExchange[] = [];
  /** The errors that the adapter threw. The module treats each as the outcome `unknown`. */
  readonly thrown: unknown[] = [];
  readonly #make: MakeSubject;
  #vendor: VendorSimulator;
  #provider: SingleProvider;
  #attempts = 0;
  // Starts in the past, so that time-stamped answers are still accepted after a test moves the clock forward.
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

  /** Stops the vendor abruptly. */
  async stop(): Promise<void> {
    await this.#vendor.stop();
    // Wait until kept-alive connections notice that the other end is gone.
    await new Promise((resolve) => setTimeout(resolve, 50));
  }

  /** Restarts the vendor after {@link stop}. */
  async resume(): Promise<void> {
    await this.#vendor.start();
  }

  /** Replaces this vendor with one that knows only another key. */
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

  /** Moves the vendor's clock forward. */
  elapse(seconds: number): void {
    this.#aheadMs += seconds * 1000;
  }

  /** Aborts shortly after the vendor receives the next request: it has done its work, but its answer is lost. */
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

  /** Tells whether the vendor soon has no answer in progress on any connection. */
  async isLeftAlone(): Promise<boolean> {
    const deadline = Date.now() + PATIENCE_MS / 2;
    while (this.#vendor.answering > 0 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 5));
    return this.#vendor.answering === 0;
  }

  /** Requests a message once the vendor accepts another. */
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

  /** Returns the messages that arrived at the phone, newest first. */
  messages(): SimulatedMessage[] {
    return this.#vendor.messages(this.subject.phone);
  }

  /** Everything that the adapter disclosed about itself. */
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

  /** Handles errors as the module does: a throw is `unknown`. */
  async #receipt<R extends SendReceipt | CheckReceipt>(work: () => Promise<R>): Promise<R> {
    try {
      return await work();
    } catch (error) {
      this.thrown.push(error);
      return { outcome: 'unknown' } as R;
    }
  }
}

/** Returns a code other than this one. */
export function wrong(code: string): string {
  return code.replace(/\d$/, (digit) => String((Number(digit) + 1) % 10));
}

/** Returns what a receipt says about the message: its outcome, and whether it may still be on its way. */
export function fateOf({
  outcome,
  ambiguous = outcome === 'unknown',
}: SendReceipt): Required<Pick<SendReceipt, 'outcome' | 'ambiguous'>> {
  return { outcome, ambiguous };
}
