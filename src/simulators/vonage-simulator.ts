import { randomInt, randomUUID } from 'node:crypto';

import type { SimulatedAnswer } from './faults.js';
import { jsonBody } from './json-body.js';
import { keep } from './memory.js';
import { type SimulatedRequest, VendorSimulator, type VendorReaction } from './simulator.js';

export interface VonageSimulatorOptions {
  /** The only secret it accepts. @defaultValue 'vonage-simulator-secret' */
  apiSecret?: string;
  /** Codes compared for one request before 410. Not documented. @defaultValue 3 */
  maxAttempts?: number;
  /** Whether it refuses to send a code to a number while another code is valid, as documented. @defaultValue true */
  oneAtATime?: boolean;
  /** Its clock, in milliseconds. @defaultValue Date.now */
  now?: () => number;
}

/** The state of a pending request. */
interface Verification {
  to: string;
  code: string;
  endsAt: number;
  attempts: number;
}

const API_KEY = 'a1b2c3d4';
const PATH = '/v2/verify';

/**
 * Simulates Vonage Verify v2 on this machine, as {@link https://developer.vonage.com/en/api/verify.v2 its reference}
 * describes it, with one channel, SMS. A code expires with the wait for the next channel, which is not documented.
 *
 * @example
 * const vonage = await new VonageSimulator().start();
 * const provider = new VonageVerify(vonage.access);
 * … vonage.lastCode('+966512345678')
 */
export class VonageSimulator extends VendorSimulator {
  readonly #options: Required<VonageSimulatorOptions>;
  readonly #verifications = new Map<string, Verification>();
  #problem: SimulatedAnswer | undefined;

  constructor({
    apiSecret = 'vonage-simulator-secret',
    maxAttempts = 3,
    oneAtATime = true,
    now = Date.now,
  }: VonageSimulatorOptions = {}) {
    super();
    this.#options = { apiSecret, maxAttempts, oneAtATime, now };
  }

  /** Options that connect the adapter to it, once started. */
  get access(): { apiKey: string; apiSecret: string; brand: string; baseUrl: string; testMode: true } {
    const { apiSecret } = this.#options;
    return { apiKey: API_KEY, apiSecret, brand: 'Acme', baseUrl: this.url, testMode: true };
  }

  /** Answers every request with this problem and does nothing else, such as 402; `undefined` ends it. */
  answerAlways(status: number | undefined, title = 'Problem'): void {
    this.#problem = status === undefined ? undefined : problem(status, title);
  }

  protected react({ method, path, headers, body }: SimulatedRequest): VendorReaction {
    if (this.#problem) return this.#problem;
    const basic = Buffer.from(`${API_KEY}:${this.#options.apiSecret}`).toString('base64');
    if (headers.authorization !== `Basic ${basic}`) return problem(401, 'Unauthorized');
    const fields = jsonBody(body) ?? {};
    if (method === 'POST' && path === PATH) return this.#start(fields);
    const id = path.startsWith(`${PATH}/`) ? path.slice(PATH.length + 1) : '';
    const verification = this.#verifications.get(id);
    if (verification === undefined || !this.#isAlive(verification)) return problem(404, 'Not Found');
    if (method === 'DELETE') return this.#cancel(id);
    return method === 'POST' ? this.#check(id, verification, fields) : problem(404, 'Not Found');
  }

  #start(fields: Fields): VendorReaction {
    const { brand, workflow, locale, channel_timeout: timeout = 180, code_length: length = 4 } = fields;
    const { channel, to } = (Array.isArray(workflow) ? workflow[0] : {}) as { channel?: unknown; to?: unknown };
    const isRight =
      isText(brand, 16) &&
      channel === 'sms' &&
      typeof to === 'string' &&
      /^[1-9]\d{6,14}$/.test(to) &&
      isWhole(timeout, 15, 900) &&
      isWhole(length, 4, 10);
    if (!isRight) return problem(422, 'Invalid params');
    const running = [...this.#verifications].find(([, known]) => known.to === to && this.#isRunning(known));
    if (running && this.#options.oneAtATime) return problem(409, 'Conflict', { request_id: running[0] });

    const request_id = randomUUID();
    const code = String(randomInt(10 ** length)).padStart(length, '0');
    keep(this.#verifications, request_id, { to, code, endsAt: this.#options.now() + timeout * 1000, attempts: 0 });
    const text = locale === 'ar-xa' ? `رمز ${brand} هو: ${code}` : `${brand} code: ${code}. Valid for a short time.`;
    return { status: 202, body: JSON.stringify({ request_id }), sms: { phone: `+${to}`, text, code } };
  }

  #check(id: string, verification: Verification, { code }: Fields): VendorReaction {
    if (verification.attempts >= this.#options.maxAttempts) return problem(410, 'Invalid Code');
    verification.attempts++;
    if (code !== verification.code) return problem(400, 'Invalid Code');
    this.#verifications.delete(id);
    return { body: JSON.stringify({ request_id: id, status: 'completed' }) };
  }

  #cancel(id: string): VendorReaction {
    this.#verifications.delete(id);
    return { status: 204, body: '' };
  }

  /** Too many wrong codes end a request early. */
  #isRunning(verification: Verification): boolean {
    return this.#isAlive(verification) && verification.attempts < this.#options.maxAttempts;
  }

  #isAlive({ endsAt }: Verification): boolean {
    return this.#options.now() < endsAt;
  }
}

type Fields = Partial<Record<'brand' | 'workflow' | 'locale' | 'channel_timeout' | 'code_length' | 'code', unknown>>;

function problem(status: number, title: string, more: object = {}): SimulatedAnswer {
  const type = `https://developer.vonage.com/api-errors/verify#${title.toLowerCase().replaceAll(' ', '-')}`;
  const body = JSON.stringify({ type, title, detail: title, instance: randomUUID(), ...more });
  return { status, headers: { 'content-type': 'application/problem+json' }, body };
}

function isText(value: unknown, max: number): value is string {
  return typeof value === 'string' && value.length >= 1 && value.length <= max;
}

function isWhole(value: unknown, min: number, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;
}
