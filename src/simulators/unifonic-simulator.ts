import { randomInt, randomUUID } from 'node:crypto';

import type { SimulatedAnswer } from './faults.js';
import { keep } from './memory.js';
import { type SimulatedRequest, VendorSimulator, type VendorReaction } from './simulator.js';
import { codeIn } from './texts.js';

export interface UnifonicSimulatorOptions {
  /** The only token that Authenticate accepts. @defaultValue 'unifonic-simulator-token' */
  token?: string;
  /** The only key that is accepted for texts. @defaultValue 'unifonic-simulator-app-sid' */
  appSid?: string;
  /** How long a code is valid, in seconds. Not documented. @defaultValue 300 */
  ttlSeconds?: number;
  /** Codes compared for one message before 108. Not documented. @defaultValue 3 */
  maxAttempts?: number;
  /** The reported cost of a text, in SAR. @defaultValue 0.05 */
  cost?: number;
  /** Its clock, in milliseconds. @defaultValue Date.now */
  now?: () => number;
}

/** The newest verification of a number. */
interface Verification {
  id: string;
  code: string;
  sentAt: number;
  attempts: number;
  verified: boolean;
}

const APP_ID = `AP${'0f'.repeat(16)}`;
const SENDER = 'Acme';

/**
 * Simulates Unifonic on this machine, as its pages document {@link
 * https://docs.unifonic.com/reference/checkverification codes} and {@link
 * https://docs.unifonic.com/v1/docs/sending-your-first-sms-via-unifonic-api texts}, both at one address. Whatever the
 * pages leave open is an option here, or follows the mildest reading: a new message invalidates the previous code.
 *
 * @example
 * const unifonic = await new UnifonicSimulator().start();
 * const provider = new UnifonicAuthenticate(unifonic.access);
 * … unifonic.lastCode('+966512345678')
 */
export class UnifonicSimulator extends VendorSimulator {
  readonly #options: Required<UnifonicSimulatorOptions>;
  readonly #verifications = new Map<string, Verification>();
  #lastMessageId = 3_200_017_889_310;
  #code: number | undefined;
  #refusal: SimulatedAnswer | undefined;

  constructor({
    token = 'unifonic-simulator-token',
    appSid = 'unifonic-simulator-app-sid',
    ttlSeconds = 300,
    maxAttempts = 3,
    cost = 0.05,
    now = Date.now,
  }: UnifonicSimulatorOptions = {}) {
    super();
    this.#options = { token, appSid, ttlSeconds, maxAttempts, cost, now };
  }

  /** Options that connect either adapter to it, once started. */
  get access(): { appId: string; token: string; appSid: string; sender: string; baseUrl: string; testMode: true } {
    const { token, appSid } = this.#options;
    return { appId: APP_ID, token, appSid, sender: SENDER, baseUrl: this.url, testMode: true };
  }

  /** Answers every check with this `error_code`, such as 110, and does nothing else; `undefined` ends it. */
  answerAlways(code: number | undefined): void {
    this.#code = code;
  }

  /** Refuses every text with this status and message; `undefined` ends it. */
  refuseTexts(status: number | undefined, message = ''): void {
    this.#refusal = status === undefined ? undefined : refuseText(status, message);
  }

  protected react({ method, path, headers, body }: SimulatedRequest): VendorReaction {
    const form = new URLSearchParams(body);
    if (method === 'POST' && path === '/rest/SMS/messages') return this.#text(form);
    const [, operation] = /^\/services\/api\/v2\/verifications\/(start|check)$/.exec(path) ?? [];
    if (method !== 'POST' || operation === undefined) return { status: 404, body: '{"message":"Not Found"}' };
    const { authorization, 'x-authenticate-app-id': appId } = headers;
    if (authorization !== `Bearer ${this.#options.token}` || appId !== APP_ID) {
      return { status: 401, body: '{"message":"Unauthorized"}' };
    }
    const to = form.get('to') ?? '';
    if (!/^\+[1-9]\d{7,14}$/.test(to)) return badInput('to');
    return operation === 'start' ? this.#start(to, form) : this.#check(to, form);
  }

  #start(to: string, form: URLSearchParams): VendorReaction {
    const [channel, locale, length] = [
      form.get('channel'),
      form.get('locale') ?? 'en',
      Number(form.get('length') ?? 4),
    ];
    if (channel !== 'sms') return badInput('channel');
    if (locale !== 'ar' && locale !== 'en') return badInput('locale');
    if (!Number.isInteger(length) || length < 4 || length > 8) return badInput('length');
    const code = String(randomInt(10 ** length)).padStart(length, '0');
    const verification = { id: randomUUID(), code, sentAt: this.#options.now(), attempts: 0, verified: false };
    keep(this.#verifications, to, verification);
    const text = locale === 'ar' ? `رمز التحقق: ${code}` : `Your verification code is ${code}`;
    return { ...answer(verification, to, { locale, length, code_type: 'numeric' }), sms: { phone: to, text, code } };
  }

  #check(to: string, form: URLSearchParams): VendorReaction {
    if (form.get('channel') !== 'sms') return badInput('channel');
    const verification = this.#verifications.get(to);
    if (verification === undefined) return badInput('to');
    const error_code = this.#code ?? this.#judge(verification, form.get('code') ?? '');
    return answer(verification, to, { response_status: error_code === 101 ? 'correct' : 'incorrect', error_code });
  }

  #judge(verification: Verification, code: string): number {
    const { now, ttlSeconds, maxAttempts } = this.#options;
    if (verification.verified) return 110;
    if (now() - verification.sentAt >= ttlSeconds * 1000) return 109;
    if (verification.attempts >= maxAttempts) return 108;
    verification.attempts++;
    if (code !== verification.code) return 107;
    verification.verified = true;
    return 101;
  }

  #text(form: URLSearchParams): VendorReaction {
    if (this.#refusal) return this.#refusal;
    const [appSid, sender, to, body] = ['AppSid', 'SenderID', 'Recipient', 'Body'].map((name) => form.get(name));
    if (!appSid) return refuseText(402, 'Missing parameter AppSid');
    if (appSid !== this.#options.appSid) return refuseText(401, 'Authentication failed');
    if (!to) return refuseText(422, 'No recipient parameter specified');
    if (!/^[1-9]\d{7,14}$/.test(to)) return refuseText(410, 'Invalid recipient format');
    if (body === null || body === undefined) return refuseText(421, 'No message body specified');
    if (body === '') return refuseText(449, 'Message body is empty');
    if ((sender ?? SENDER) !== SENDER) return refuseText(480, 'This user cannot use specified SenderID');
    const data = {
      MessageID: ++this.#lastMessageId,
      CorrelationID: '',
      Status: 'Queued',
      NumberOfUnits: 1,
      Cost: this.#options.cost,
      Balance: 100,
      Recipient: to,
      CurrencyCode: 'SAR',
    };
    return {
      body: JSON.stringify({ success: 'true', message: '', errorCode: 'ER-00', data }),
      sms: { phone: `+${to}`, text: body, code: codeIn(body) },
    };
  }
}

function answer({ id }: Verification, to: string, more: object): VendorReaction {
  return { body: JSON.stringify({ id, to, channel: 'sms', ...more }) };
}

function badInput(name: string): SimulatedAnswer {
  return { status: 400, body: JSON.stringify({ message: `bad input parameter: ${name}` }) };
}

function refuseText(status: number, message: string): SimulatedAnswer {
  return { status, body: JSON.stringify({ success: 'false', message, errorCode: 'ER-02', data: {} }) };
}
