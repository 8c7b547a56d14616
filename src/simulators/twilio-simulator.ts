import { randomBytes, randomInt } from 'node:crypto';

import { keep } from './memory.js';
import { type SimulatedRequest, VendorSimulator, type VendorReaction } from './simulator.js';
import { codeIn } from './texts.js';

export interface TwilioSimulatorOptions {
  /**
   * The only secret it accepts, with its account's SID or that of its API key. @defaultValue 'twilio-simulator-secret'
   */
  secret?: string;
  /** Digits of a code of its Verify Service. @defaultValue 6 */
  codeLength?: number;
  /** How long a verification lasts, in seconds. @defaultValue 600 */
  ttlSeconds?: number;
  /** Codes compared for one verification before 60202. @defaultValue 5, as documented */
  maxAttempts?: number;
  /** Messages for one verification before 60203. @defaultValue 5, as documented */
  maxSends?: number;
  /** Its clock, in milliseconds. @defaultValue Date.now */
  now?: () => number;
}

/** The pending verification of a number. */
interface Verification {
  sid: string;
  to: string;
  code: string;
  createdAt: number;
  sends: number;
  attempts: number;
}

const ACCOUNT = sid('AC');
const API_KEY = sid('SK');
const SERVICE = sid('VA');
const FROM = '+15005550006';

const ERRORS: Record<number, [status: number, message: string]> = {
  20003: [401, 'Authenticate'],
  20404: [404, 'The requested resource was not found'],
  20429: [429, 'Too Many Requests'],
  21211: [400, "Invalid 'To' Phone Number"],
  21408: [400, 'Permission to send an SMS has not been enabled for the region'],
  21602: [400, 'Message body is required'],
  21606: [400, "The 'From' phone number provided is not a valid message-capable Twilio phone number"],
  21610: [400, 'Attempt to send to unsubscribed recipient'],
  21612: [400, "Message cannot be sent with the current combination of 'To' and/or 'From' parameters"],
  21614: [400, "'To' number is not a valid mobile number"],
  60200: [400, 'Invalid parameter'],
  60202: [429, 'Max check attempts reached'],
  60203: [429, 'Max send attempts reached'],
  60205: [403, 'SMS is not supported by landline phone number'],
  60206: [400, "'Amount' & 'Payee' params are required"],
  60207: [429, 'Max rate limits per service reached'],
  60212: [429, 'Too many concurrent requests for phone number'],
  60238: [403, 'Verification creation attempt is blocked by Twilio'],
  60410: [403, 'Verification delivery attempt blocked (Fraud Guard)'],
  60605: [403, 'The destination phone number has been blocked by Verify Geo-Permissions'],
};

/**
 * Numbers that fail in Messaging, taken from the vendor's {@link https://www.twilio.com/docs/iam/test-credentials test
 * credentials}.
 */
const MAGIC_NUMBERS: Record<string, number> = {
  '+15005550001': 21211,
  '+15005550002': 21612,
  '+15005550003': 21408,
  '+15005550004': 21610,
  '+15005550009': 21614,
};

/**
 * Simulates Twilio on this machine: {@link https://www.twilio.com/docs/verify/api/verification Verify v2} with one
 * service, whose messages to a number repeat the code until its verification ends, and {@link
 * https://www.twilio.com/docs/messaging/api/message-resource Messaging}.
 *
 * @example
 * const twilio = await new TwilioSimulator().start();
 * const provider = new TwilioVerify(twilio.access);
 * … twilio.lastCode('+966512345678')
 */
export class TwilioSimulator extends VendorSimulator {
  readonly #options: Required<TwilioSimulatorOptions>;
  readonly #verifications = new Map<string, Verification>();
  #error: number | undefined;
  #status: number | undefined;

  constructor({
    secret = 'twilio-simulator-secret',
    codeLength = 6,
    ttlSeconds = 600,
    maxAttempts = 5,
    maxSends = 5,
    now = Date.now,
  }: TwilioSimulatorOptions = {}) {
    super();
    this.#options = { secret, codeLength, ttlSeconds, maxAttempts, maxSends, now };
  }

  /** Options that connect either adapter to it, once started. */
  get access() {
    const { secret } = this.#options;
    const account = { accountSid: ACCOUNT, apiKeySid: API_KEY, secret };
    return { ...account, serviceSid: SERVICE, from: FROM, baseUrl: this.url, testMode: true as const };
  }

  /** Answers every request with this error and does nothing else, such as 60410; `undefined` ends it. */
  answerAlways(code: number | undefined, status?: number): void {
    this.#error = code;
    this.#status = status;
  }

  protected react({ method, path, headers, body }: SimulatedRequest): VendorReaction {
    if (this.#error !== undefined) return refuse(this.#error, this.#status);
    if (!this.#knows(headers.authorization)) return refuse(20003);
    const form = new URLSearchParams(body);
    const service = `/v2/Services/${SERVICE}`;
    if (method !== 'POST') return refuse(20404);
    if (path === `${service}/Verifications`) return this.#start(form);
    if (path === `${service}/VerificationCheck`) return this.#check(form);
    if (path.startsWith(`${service}/Verifications/VE`)) return this.#update(path.split('/').at(-1)!, form);
    if (path === `/2010-04-01/Accounts/${ACCOUNT}/Messages.json`) return this.#message(form);
    return refuse(20404);
  }

  #knows(authorization: string | undefined): boolean {
    const basic = (user: string) => `Basic ${Buffer.from(`${user}:${this.#options.secret}`).toString('base64')}`;
    return authorization === basic(ACCOUNT) || authorization === basic(API_KEY);
  }

  #start(form: URLSearchParams): VendorReaction {
    const to = form.get('To') ?? '';
    if (!isE164(to) || form.get('Channel') !== 'sms') return refuse(60200);
    const verification = this.#alive({ to }) ?? this.#create(to);
    if (verification.sends >= this.#options.maxSends) return refuse(60203);
    verification.sends++;
    const { code } = verification;
    const text =
      form.get('Locale') === 'ar' ? `رمز التحقق الخاص بك هو: ${code}` : `Your Acme verification code is: ${code}`;
    return { ...made({ ...shown(verification, 'pending'), send_code_attempts: [] }), sms: { phone: to, text, code } };
  }

  #create(to: string): Verification {
    const { codeLength, now } = this.#options;
    const code = String(randomInt(10 ** codeLength)).padStart(codeLength, '0');
    const verification = { sid: sid('VE'), to, code, createdAt: now(), sends: 0, attempts: 0 };
    keep(this.#verifications, to, verification);
    return verification;
  }

  #check(form: URLSearchParams): VendorReaction {
    const code = form.get('Code') ?? '';
    if (!/^\d{4,10}$/.test(code)) return refuse(60200);
    const verification = this.#alive({ to: form.get('To'), sid: form.get('VerificationSid') });
    if (verification === undefined) return refuse(20404);
    if (verification.attempts >= this.#options.maxAttempts) return refuse(60202);
    verification.attempts++;
    if (code !== verification.code) return ok(shown(verification, 'pending'));
    this.#verifications.delete(verification.to);
    return ok(shown(verification, 'approved'));
  }

  #update(verificationSid: string, form: URLSearchParams): VendorReaction {
    const verification = this.#alive({ sid: verificationSid });
    if (verification === undefined) return refuse(20404);
    const status = form.get('Status');
    if (status !== 'canceled' && status !== 'approved') return refuse(60200);
    this.#verifications.delete(verification.to);
    return ok(shown(verification, status));
  }

  /** Finds a pending verification by number or by SID. */
  #alive({ to, sid: name }: { to?: string | null; sid?: string | null }): Verification | undefined {
    const { now, ttlSeconds } = this.#options;
    const known = to
      ? this.#verifications.get(to)
      : [...this.#verifications.values()].find((verification) => verification.sid === name);
    return known && now() - known.createdAt < ttlSeconds * 1000 ? known : undefined;
  }

  #message(form: URLSearchParams): VendorReaction {
    const [to, from, body] = ['To', 'From', 'Body'].map((name) => form.get(name) ?? '') as [string, string, string];
    if (!isE164(to)) return refuse(21211);
    if (from !== FROM && !form.get('MessagingServiceSid')?.startsWith('MG')) return refuse(21606);
    if (body === '') return refuse(21602);
    const magic = MAGIC_NUMBERS[to];
    if (magic !== undefined) return refuse(magic);
    const message = { sid: sid('SM'), account_sid: ACCOUNT, to, from: from || null, body };
    return {
      ...made({ ...message, status: 'queued', num_segments: '1', price: null, error_code: null, error_message: null }),
      sms: { phone: to, text: body, code: codeIn(body) },
    };
  }
}

function shown({ sid: name, to }: Verification, status: string): object {
  const own = { sid: name, service_sid: SERVICE, account_sid: ACCOUNT, to, channel: 'sms' };
  return { ...own, status, valid: status === 'approved', amount: null, payee: null };
}

function ok(body: object): VendorReaction {
  return { status: 200, body: JSON.stringify(body) };
}

function made(body: object): VendorReaction {
  return { ...ok(body), status: 201 };
}

function refuse(code: number, status = ERRORS[code]?.[0] ?? 400): VendorReaction {
  const message = ERRORS[code]?.[1] ?? 'Error';
  const more_info = `https://www.twilio.com/docs/errors/${code}`;
  return { status, body: JSON.stringify({ code, message, more_info, status }) };
}

function isE164(to: string): boolean {
  return /^\+[1-9]\d{6,14}$/.test(to);
}

function sid(kind: string): string {
  return kind + randomBytes(16).toString('hex');
}
