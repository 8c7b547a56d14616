import { randomInt } from 'node:crypto';

import type { SimulatedAnswer } from './faults.js';
import { jsonBody } from './json-body.js';
import { keep } from './memory.js';
import { type SimulatedRequest, VendorSimulator, type VendorReaction } from './simulator.js';
import { codeIn } from './texts.js';

export interface TaqnyatSimulatorOptions {
  /** The only key it accepts. @defaultValue 'taqnyat-simulator-key' */
  apiKey?: string;
  /** How answers are wrapped. Both forms occur in practice, neither is documented. @defaultValue 'envelope' */
  answers?: 'envelope' | 'flat';
  /** Digits of a code. @defaultValue 4, as in the vendor's sample */
  codeLength?: number;
  /** How long a code is valid, in seconds; an expired one counts as wrong. @defaultValue 300 */
  ttlSeconds?: number;
  /** Codes compared for one `requestId` before 12. @defaultValue 3 */
  maxAttempts?: number;
  /** Messages for one `requestId` before 8. @defaultValue 3 */
  maxSends?: number;
  /** Seconds between two messages; an earlier one is answered with 7. @defaultValue 60 */
  cooldownSeconds?: number;
  /** Whether the wait applies to this `requestId` or to the whole number. Not documented. @defaultValue 'request' */
  cooldownPer?: 'request' | 'number';
  /** The reported cost of a text, in SAR. @defaultValue '0.0500' */
  cost?: string;
  /** Its clock, in milliseconds. @defaultValue Date.now */
  now?: () => number;
}

/** The state of one verification: one number under one `requestId`. */
interface Verification {
  code: string;
  sends: number;
  attempts: number;
  sentAt: number;
  verified: boolean;
}

const MESSAGES: Record<number, string> = {
  1: 'invalid apiKey',
  3: 'Mobile number is not specified or incorrect.',
  4: 'Your balance is not enough.',
  5: 'Activation code sent successfully.',
  6: 'Unknown error Please contact technical support',
  8: 'You have exceeded the allowed number of attempts, change requestId to verify mobile number.',
  10: 'Activation process completed successfully.',
  11: 'Activation code is incorrect.',
  12: 'Attempts to enter activation code have been exhausted.',
  13: 'This number is activated',
};

/**
 * Simulates Taqnyat on this machine, as its pages document {@link https://dev.taqnyat.sa/en/doc/verify/ codes} and
 * {@link https://dev.taqnyat.sa/en/doc/sms/ texts}. Whatever the pages leave open is an option here, with the same
 * default as in the adapter.
 *
 * @example
 * const taqnyat = await new TaqnyatSimulator().start();
 * const provider = new TaqnyatVerify(taqnyat.access);
 * … taqnyat.lastCode('+966512345678')
 */
export class TaqnyatSimulator extends VendorSimulator {
  readonly #options: Required<TaqnyatSimulatorOptions>;
  readonly #verifications = new Map<string, Verification>();
  readonly #lastSent = new Map<string, number>();
  #result: Result | undefined;
  #refusal: SimulatedAnswer | undefined;
  #lastMessageId = 5_452_899_970;

  constructor({
    apiKey = 'taqnyat-simulator-key',
    answers = 'envelope',
    codeLength = 4,
    ttlSeconds = 300,
    maxAttempts = 3,
    maxSends = 3,
    cooldownSeconds = 60,
    cooldownPer = 'request',
    cost = '0.0500',
    now = Date.now,
  }: TaqnyatSimulatorOptions = {}) {
    super();
    this.#options = {
      apiKey,
      answers,
      codeLength,
      ttlSeconds,
      maxAttempts,
      maxSends,
      cooldownSeconds,
      cooldownPer,
      cost,
      now,
    };
  }

  /** Options that connect the adapter to it, once started. */
  get access(): { apiKey: string; baseUrl: string; testMode: true } {
    return { apiKey: this.#options.apiKey, baseUrl: this.url, testMode: true };
  }

  /** Answers every code with this result and does nothing else, such as 4 for an empty account; `undefined` ends it. */
  answerAlways(code: number | undefined, message = MESSAGES[code ?? 0] ?? ''): void {
    this.#result = code === undefined ? undefined : { code, message };
  }

  /** Refuses every text with this status and message; `undefined` ends it. */
  refuseTexts(status: number | undefined, message = ''): void {
    this.#refusal = status === undefined ? undefined : failure(status, message);
  }

  protected react({ method, path, headers, body }: SimulatedRequest): VendorReaction {
    if (method === 'POST' && path === '/v1/messages') return this.#text(body, headers.authorization);
    if (method !== 'POST' || path !== '/verify.php') return { status: 404, body: 'Not Found' };
    const fields = fieldsOf(body);
    const { code, message = MESSAGES[code] ?? '', sms } = this.#result ?? this.#verify(fields, headers.authorization);
    return { body: fields.returnJson === 1 ? this.#json(code, message) : String(code), ...(sms && { sms }) };
  }

  #verify(fields: Fields, authorization: string | undefined): Result {
    const { apiKey } = this.#options;
    const { numbers, requestId = '', activeKey } = fields;
    if (fields.apiKey !== apiKey || authorization !== `Bearer ${apiKey}`) return { code: 1 };
    if (!Array.isArray(numbers) || numbers.length !== 1 || !/^966\d{9}$/.test(String(numbers[0]))) return { code: 3 };
    const number = String(numbers[0]);
    const key = JSON.stringify([apiKey, number, requestId]);
    return activeKey === undefined ? this.#send(key, number, fields) : this.#check(key, activeKey);
  }

  #send(key: string, number: string, { lang, note }: Fields): Result {
    const { now, maxSends, codeLength, cooldownPer } = this.#options;
    const known = this.#verifications.get(key);
    if (known?.verified) return { code: 13 };
    if (known && known.sends >= maxSends) return { code: 8 };
    const waitKey = cooldownPer === 'number' ? number : key;
    const wait = this.#waitSeconds(waitKey);
    if (wait > 0) {
      return { code: 7, message: `The activation code has already been sent, you can re-send it in ${wait} second` };
    }

    const code = String(randomInt(10 ** codeLength)).padStart(codeLength, '0');
    keep(this.#verifications, key, {
      code,
      sends: (known?.sends ?? 0) + 1,
      attempts: known?.attempts ?? 0,
      sentAt: now(),
      verified: false,
    });
    keep(this.#lastSent, waitKey, now());
    const text = [lang === 'en' ? `Your verification code is: ${code}` : `رمز التحقق: ${code}`, note];
    return { code: 5, sms: { phone: `+${number}`, text: text.filter(Boolean).join(' '), code } };
  }

  #check(key: string, activeKey: unknown): Result {
    const { now, maxAttempts, ttlSeconds } = this.#options;
    const known = this.#verifications.get(key);
    if (known === undefined) return { code: 11 };
    if (known.verified) return { code: 13 };
    if (known.attempts >= maxAttempts) return { code: 12 };
    known.attempts++;
    if (activeKey !== known.code || now() - known.sentAt >= ttlSeconds * 1000) return { code: 11 };
    known.verified = true;
    return { code: 10 };
  }

  #text(json: string, authorization: string | undefined): VendorReaction {
    if (this.#refusal) return this.#refusal;
    const { apiKey, cost } = this.#options;
    if (authorization !== `Bearer ${apiKey}`) return failure(401, 'Authentication Failed');
    const { recipients, body, sender } = jsonBody(json) ?? {};
    if (!Array.isArray(recipients) || recipients.length !== 1) return failure(400, 'recipients is required');
    if (typeof body !== 'string' || body === '') return failure(400, 'body is required');
    if (typeof sender !== 'string' || sender === '') return failure(400, 'sender is required');
    const number = String(recipients[0]);
    const isNumber = /^[1-9]\d{7,14}$/.test(number);
    const [accepted, rejected] = isNumber ? [`[${number},]`, '[]'] : ['[]', `[${number},]`];
    const made = { statusCode: 201, messageId: ++this.#lastMessageId, cost, currency: 'SAR', accepted, rejected };
    return {
      status: 201,
      body: JSON.stringify(made),
      ...(isNumber && { sms: { phone: `+${number}`, text: body, code: codeIn(body) } }),
    };
  }

  #waitSeconds(waitKey: string): number {
    const { now, cooldownSeconds } = this.#options;
    const sentAt = this.#lastSent.get(waitKey);
    return sentAt === undefined ? 0 : Math.ceil(cooldownSeconds - (now() - sentAt) / 1000);
  }

  #json(code: number, message: string): string {
    const texts = { MessageAr: message, MessageEn: message };
    if (this.#options.answers === 'flat') return JSON.stringify({ status: code, ...texts });
    const answer =
      code === 5 || code === 10
        ? { status: 1, ResponseStatus: 'success', Data: { result: code, ...texts }, Error: null }
        : { status: 1, ResponseStatus: 'fail', Data: null, Error: { ErrorCode: code, ...texts } };
    return JSON.stringify(answer);
  }
}

interface Result {
  code: number;
  message?: string;
  sms?: VendorReaction['sms'];
}

type Fields = Partial<
  Record<'apiKey' | 'numbers' | 'requestId' | 'activeKey' | 'lang' | 'note' | 'returnJson', unknown>
>;

function failure(statusCode: number, message: string): SimulatedAnswer {
  return { status: statusCode, body: JSON.stringify({ statusCode, message }) };
}

/** The documented body is an array with one object; a bare object is accepted, too. */
function fieldsOf(body: string): Fields {
  try {
    const json: unknown = JSON.parse(body);
    const first: unknown = Array.isArray(json) ? json[0] : json;
    return typeof first === 'object' && first !== null ? first : {};
  } catch {
    return {};
  }
}
