import { randomInt, randomUUID } from 'node:crypto';

import type { SimulatedAnswer } from './faults.js';
import { jsonBody } from './json-body.js';
import { keep } from './memory.js';
import { type SimulatedRequest, VendorSimulator, type VendorReaction } from './simulator.js';

export interface LamahSimulatorOptions {
  /** The only token it accepts. @defaultValue 'lamah-simulator-token' */
  token?: string;
  /** The only approved sender name. @defaultValue 'Acme' */
  sender?: string;
  /** Which of the vendor's two descriptions it follows: the gateway's or the API reference. @defaultValue 'gateway' */
  dialect?: 'gateway' | 'docs';
  /** Codes compared for one message: 3 in the reference, no limit at the gateway. @defaultValue by dialect */
  maxAttempts?: number;
  /**
   * Messages to a number within a minute before it answers 429: 10 in the reference, no limit at the gateway.
   * @defaultValue by dialect
   */
  sendsPerMinute?: number;
  /** Whether it refuses to send a code to a number while another code is valid. @defaultValue true */
  oneAtATime?: boolean;
  /** The reported cost of a message. @defaultValue 1 */
  cost?: number;
  /**
   * E.164 number that receives every message, as for a company that is not verified yet. @defaultValue the recipient's
   */
  companyPhone?: string;
  /** Its clock, in milliseconds. @defaultValue Date.now */
  now?: () => number;
}

/** The state of one message. */
interface Sent {
  receiver: string;
  code: string;
  expiresAt: number;
  attempts: number;
  verified: boolean;
}

/** A successful answer to a send, stored under its key. */
interface Kept {
  body: string;
  until: number;
}

const MINUTE_MS = 60_000;
const KEEPS_ANSWERS_MS = 24 * 60 * MINUTE_MS;
/** The period of the reference's limit. */
const COOLDOWN_SECONDS = 60;

/**
 * Simulates Lamah (Ersaal) OTP on this machine, as {@link https://docs.getersaal.com/api-reference/otp/initiate its
 * reference} or {@link https://github.com/lamah-co/wp-ersaal its plugin} describes it.
 *
 * @example
 * const lamah = await new LamahSimulator().start();
 * const provider = new LamahOtp(lamah.access);
 * … lamah.lastCode('+218911234567')
 */
export class LamahSimulator extends VendorSimulator {
  readonly #options: Required<Omit<LamahSimulatorOptions, 'companyPhone'>> &
    Pick<LamahSimulatorOptions, 'companyPhone'>;
  readonly #sent = new Map<string, Sent>();
  /** The newest message to each number. */
  readonly #newest = new Map<string, string>();
  readonly #answers = new Map<string, Kept>();
  readonly #sendTimes = new Map<string, number[]>();
  #answer: SimulatedAnswer | undefined;

  constructor({
    token = 'lamah-simulator-token',
    sender = 'Acme',
    dialect = 'gateway',
    maxAttempts = dialect === 'docs' ? 3 : Infinity,
    sendsPerMinute = dialect === 'docs' ? 10 : Infinity,
    oneAtATime = true,
    cost = 1,
    companyPhone,
    now = Date.now,
  }: LamahSimulatorOptions = {}) {
    super();
    this.#options = { token, sender, dialect, maxAttempts, sendsPerMinute, oneAtATime, cost, companyPhone, now };
  }

  /** Options that connect the adapter to it, once started. */
  get access(): { token: string; sender: string; paymentType: 'wallet'; baseUrl: string; testMode: true } {
    const { token, sender } = this.#options;
    return { token, sender, paymentType: 'wallet', baseUrl: this.url, testMode: true };
  }

  /**
   * Makes every request get this answer and do nothing else, such as 400 and "Insufficient balance"; `undefined` ends
   * it.
   */
  answerAlways(status: number | undefined, message = ''): void {
    this.#answer = status === undefined ? undefined : { status, body: JSON.stringify({ message }) };
  }

  protected react({ method, path, headers, body }: SimulatedRequest): VendorReaction {
    if (method !== 'POST') return this.#refuse(404, 'Not Found');
    if (this.#answer) return this.#answer;
    if (headers.authorization !== `Bearer ${this.#options.token}`) return this.#refuse(401, 'Unauthenticated.');
    const fields = jsonBody(body);
    if (fields === undefined) return this.#refuse(400, 'Invalid JSON');
    if (path === '/api/otp/initiate') return this.#once(headers['idempotency-key'], () => this.#initiate(fields));
    if (path === '/api/otp/verify') return this.#verify(fields);
    return this.#refuse(404, 'Not Found');
  }

  /** A repeat with the same key gets the first answer, if that was a success, and sends nothing. */
  #once(key: unknown, initiate: () => VendorReaction): VendorReaction {
    const { now } = this.#options;
    if (typeof key !== 'string') return initiate();
    const kept = this.#answers.get(key);
    if (kept && now() < kept.until) return { body: kept.body };
    const reaction = initiate();
    if (reaction.sms) keep(this.#answers, key, { body: reaction.body, until: now() + KEEPS_ANSWERS_MS });
    return reaction;
  }

  #initiate(fields: Fields): VendorReaction {
    const { sender, dialect, sendsPerMinute, oneAtATime, cost, companyPhone, now } = this.#options;
    const wrong = wrongFieldOf(fields);
    if (wrong !== undefined) return this.#refuseField(wrong);
    const receiver = receiverOf(fields.receiver, dialect);
    if (receiver === undefined) return this.#refuseField('receiver');
    if (fields.sender !== sender) return this.#refuse(404, 'Sender not found or inactive');

    const times = (this.#sendTimes.get(receiver) ?? []).filter((time) => now() - time < MINUTE_MS);
    if (times.length >= sendsPerMinute) return tooMany();
    const before = this.#sent.get(this.#newest.get(receiver) ?? '');
    if (oneAtATime && before && !before.verified && now() < before.expiresAt) {
      return this.#refuse(400, 'You have already sent an OTP to this number');
    }

    const { length, expiration, lang } = fields as { length: number; expiration: number; lang: string };
    const code = String(randomInt(10 ** length)).padStart(length, '0');
    const request_id = randomUUID();
    const expiresAt = now() + expiration * MINUTE_MS;
    keep(this.#sent, request_id, { receiver, code, expiresAt, attempts: 0, verified: false });
    keep(this.#newest, receiver, request_id);
    keep(this.#sendTimes, receiver, [...times, now()]);
    const text = lang === 'ar' ? `رمز التحقق الخاص بك هو: ${code}` : `Your verification code is: ${code}`;
    return {
      body: JSON.stringify({ request_id, cost }),
      sms: { phone: companyPhone ?? `+${receiver.slice(2)}`, text, code },
    };
  }

  #verify({ request_id, code }: Fields): VendorReaction {
    const { dialect, maxAttempts, now } = this.#options;
    if (!request_id) return this.#refuseField('request_id');
    if (!code) return this.#refuseField('code');
    const isGateway = dialect === 'gateway';
    const sent = typeof request_id === 'string' ? this.#sent.get(request_id) : undefined;
    const isGone = sent === undefined || (isGateway && (sent.verified || now() >= sent.expiresAt));
    if (isGone) return this.#refuse(404, isGateway ? 'OTP not found or expired' : 'OTP not found');
    if (sent.verified) return this.#refuse(400, 'OTP already verified');
    if (now() >= sent.expiresAt) return this.#refuse(400, 'OTP has expired');
    if (sent.attempts >= maxAttempts) return this.#refuse(400, 'Too many attempts');
    sent.attempts++;
    if (code !== sent.code) return this.#refuse(400, isGateway ? 'Invalid OTP' : 'Invalid OTP code');
    sent.verified = true;
    return { body: JSON.stringify({ message: 'OTP verified successfully' }) };
  }

  #refuse(status: number, message: string, more: object = {}): SimulatedAnswer {
    const code = { 401: 'UNAUTHORIZED', 403: 'ACCESS_DENIED' }[status] ?? 'ERROR';
    const isGateway = this.#options.dialect === 'gateway';
    return { status, body: JSON.stringify({ message, ...(isGateway ? more : { code, details: {} }) }) };
  }

  #refuseField(name: string): SimulatedAnswer {
    const isReference = this.#options.dialect === 'docs';
    if (isReference) return this.#refuse(400, name === 'receiver' ? 'Invalid phone number' : `Invalid ${name}`);
    return this.#refuse(422, 'The given data was invalid.', { errors: { [name]: [`The ${name} field is invalid.`] } });
  }
}

type Fields = Partial<
  Record<'lang' | 'length' | 'expiration' | 'sender' | 'payment_type' | 'receiver' | 'request_id' | 'code', unknown>
>;

function wrongFieldOf({ lang, length, expiration, sender, payment_type }: Fields): string | undefined {
  if (lang !== 'ar' && lang !== 'en') return 'lang';
  if (length !== 4 && length !== 6) return 'length';
  if (!Number.isInteger(expiration) || Number(expiration) < 1 || Number(expiration) > 10) return 'expiration';
  if (typeof sender !== 'string' || !/^[A-Za-z0-9]{1,11}$/.test(sender)) return 'sender';
  return payment_type === 'wallet' || payment_type === 'subscription' ? undefined : 'payment_type';
}

/** The gateway's notation, `002189xxxxxxxx`; the reference adds a plus. */
function receiverOf(receiver: unknown, dialect: 'gateway' | 'docs'): string | undefined {
  if (typeof receiver !== 'string') return undefined;
  const written = dialect === 'docs' ? receiver.replace(/^\+/, '00') : receiver;
  return /^002189\d{8}$/.test(written) ? written : undefined;
}

function tooMany(): SimulatedAnswer {
  const headers = { 'retry-after': String(COOLDOWN_SECONDS), 'x-ratelimit-remaining': '0' };
  return { status: 429, headers, body: JSON.stringify({ message: 'Too Many Requests' }) };
}
