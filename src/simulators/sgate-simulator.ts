import { generateKeyPairSync, type KeyObject, randomBytes, randomInt } from 'node:crypto';

import { localNumber, SANDBOX_SESSIONS } from '../providers/sgate/sgate-numbers.js';
import { isSignatureOf, type Signed, signatureOf } from '../providers/sgate/sgate-signature.js';
import type { SimulatedAnswer } from './faults.js';
import { jsonBody } from './json-body.js';
import { keep } from './memory.js';
import { type SimulatedRequest, VendorSimulator, type VendorReaction } from './simulator.js';

export interface SgateSimulatorOptions {
  /** The only key it accepts. @defaultValue 'sgate-simulator-key' */
  apiKey?: string;
  /** The only application name it knows; any other is refused with 1604. @defaultValue 'Acme' */
  appName?: string;
  /**
   * Whether its test numbers receive no message and use the code 123456, as in the vendor's sandbox. @defaultValue true
   */
  sandbox?: boolean;
  /** The answer to a second message within a minute. Not documented. @defaultValue 1611 */
  cooldownCode?: 1611 | 1212;
  /** Codes compared for one message before 1606. No limit is documented. @defaultValue Infinity */
  maxAttempts?: number;
  /** Whether a new message invalidates earlier codes. Not documented. @defaultValue true */
  newestOnly?: boolean;
  /** How far a request's time may differ from its own, in seconds, before 1204. Not documented. @defaultValue 300 */
  maxSkewSeconds?: number;
  /** Its clock, in milliseconds. @defaultValue Date.now */
  now?: () => number;
}

/** The state of one message. */
interface Session {
  number: string;
  code: string;
  sentAt: number;
  attempts: number;
  used: boolean;
}

const MESSAGES: Record<number, string> = {
  200: 'Request succeeded.',
  1101: 'Data does not exist.',
  1102: 'Missing parameter.',
  1103: 'Parameter validation failed.',
  1200: 'The API key is missing.',
  1201: 'The API key is invalid.',
  1204: 'The request has expired.',
  1208: 'A header is missing.',
  1209: 'A header is invalid.',
  1210: 'The API version is invalid.',
  1212: 'Too many requests.',
  1213: 'The signature is invalid.',
  1604: 'The product name does not exist.',
  1606: 'OTP verification failed.',
  1607: 'The code is invalid or has expired.',
  1608: 'The mobile number does not match.',
  1609: 'The code is wrong.',
  1610: 'The sessionid does not match.',
  1611: 'The OTP is being sent.',
  1612: 'The mobile number is not in the right format.',
};

const SEND = '/openApi/v1/otp/sendOtp';
const CHECK = '/openApi/v1/otp/checkOtp';
const DETAIL = '/openApi/v1/otp/otpDetail';
const ROUTES: Record<string, string> = { [SEND]: 'POST', [CHECK]: 'POST', [DETAIL]: 'GET' };
const COOLDOWN_MS = 60_000;
const TTL_MS = 300_000;
const SANDBOX_CODE = '123456';

/**
 * Simulates SGate OTP on this machine, as {@link https://docs.sgate.sa/en/payoutApi/otp/sendOtp.html its pages}
 * document it: signed in both directions, with the sandbox's test numbers. Whatever the pages leave open is an option
 * here, or follows the mildest reading.
 *
 * @example
 * const sgate = await new SgateSimulator().start();
 * const provider = new SgateOtp(sgate.access);
 * … sgate.lastCode('+966555123456')
 */
export class SgateSimulator extends VendorSimulator {
  readonly #options: Required<SgateSimulatorOptions>;
  readonly #sessions = new Map<string, Session>();
  /** The newest session of each number. */
  readonly #newest = new Map<string, string>();
  #answer: SimulatedAnswer | undefined;

  /** What `SgateOtp.otpDetail` returns about each message. */
  delivery = { status: 'success', reportstatus: 'success' };

  constructor({
    apiKey = 'sgate-simulator-key',
    appName = 'Acme',
    sandbox = true,
    cooldownCode = 1611,
    maxAttempts = Infinity,
    newestOnly = true,
    maxSkewSeconds = 300,
    now = Date.now,
  }: SgateSimulatorOptions = {}) {
    super();
    this.#options = { apiKey, appName, sandbox, cooldownCode, maxAttempts, newestOnly, maxSkewSeconds, now };
  }

  /** Options that connect the adapter to it, once started. */
  get access(): {
    apiKey: string;
    privateKey: string;
    systemPublicKey: string;
    appName: string;
    baseUrl: string;
    testMode: true;
  } {
    const { apiKey, appName } = this.#options;
    const { merchant, system } = keys();
    return {
      apiKey,
      privateKey: merchant.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
      systemPublicKey: system.publicKey.export({ type: 'spki', format: 'pem' }) as string,
      appName,
      baseUrl: this.url,
      testMode: true,
    };
  }

  /**
   * Answers every request with this code, signed, and does nothing else, such as 1402 for an empty account; `undefined`
   * ends it.
   */
  answerAlways(code: number | undefined): void {
    this.#answer = code === undefined ? undefined : { body: bodyOf({ code }) };
  }

  /** Answers every request with this text, signed, and does nothing else. */
  answerWith(body: string, status = 200): void {
    this.#answer = { status, body };
  }

  protected react(request: SimulatedRequest): VendorReaction {
    const [path = ''] = request.path.split('?');
    if (ROUTES[path] !== request.method) return { status: 404, body: 'Not Found' };
    const refused = this.#refusalOf(request);
    if (refused !== undefined) return this.#signed(request, { body: bodyOf({ code: refused }) }, knowsWhom(refused));
    if (this.#answer) return this.#signed(request, this.#answer);

    const { sms, ...result } = this.#serve(path, request);
    return { ...this.#signed(request, { body: bodyOf(result) }), ...(sms && { sms }) };
  }

  /** Checks the API key, the time and the signature, in this order. */
  #refusalOf({ method, path, headers, body }: SimulatedRequest): number | undefined {
    const { apiKey, maxSkewSeconds, now } = this.#options;
    const [key, version, timestamp, nonce, signature] = [
      headers['v-api-key'],
      headers['v-api-version'],
      headers['v-timestamp'],
      headers['v-nonce-str'],
      headers['v-signature'],
    ].map((header) => (typeof header === 'string' ? header : ''));
    if (!key) return 1200;
    if (!version || !timestamp || !nonce || !signature) return 1208;
    if (!/^\d{10}$/.test(timestamp) || nonce.length >= 128 || path.length >= 128) return 1209;
    if (version !== '1') return 1210;
    if (key !== apiKey) return 1201;
    if (Math.abs(now() / 1000 - Number(timestamp)) > maxSkewSeconds) return 1204;
    const signed = { apiKey, timestamp: Number(timestamp), nonce, url: path, method: method as Signed['method'], body };
    return isSignatureOf(signed, signature, keys().merchant.publicKey) ? undefined : 1213;
  }

  #serve(path: string, { path: url, body }: SimulatedRequest): Result {
    if (path === SEND) return this.#send(jsonBody(body) ?? {});
    if (path === CHECK) return this.#check(jsonBody(body) ?? {});
    return this.#detail(Object.fromEntries(new URL(url, this.url).searchParams));
  }

  #send({ mobile, appname }: Fields): Result {
    const { appName, sandbox, cooldownCode, now } = this.#options;
    if (!mobile || !appname) return { code: 1102 };
    if (typeof appname !== 'string' || appname.length > 32) return { code: 1103 };
    const number = localNumber(mobile);
    if (number === undefined) return { code: 1612 };
    if (appname !== appName) return { code: 1604 };

    const fixed = sandbox ? SANDBOX_SESSIONS.get(number) : undefined;
    const before = this.#sessions.get(this.#newest.get(number) ?? '');
    if (!fixed && before && now() - before.sentAt < COOLDOWN_MS) return { code: cooldownCode };

    const sessionid = fixed ?? randomBytes(16).toString('hex');
    const code = fixed ? SANDBOX_CODE : String(randomInt(1_000_000)).padStart(6, '0');
    keep(this.#sessions, sessionid, { number, code, sentAt: now(), attempts: 0, used: false });
    keep(this.#newest, number, sessionid);
    const phone = `+966${number}`;
    const text = `${code} is OTP to varify your STCPAY account , please input within 5 minutes. - ${appName}`;
    return {
      code: 200,
      data: { mobile: phone, appname: appName, sessionid },
      ...(!fixed && { sms: { phone, text, code } }),
    };
  }

  #check({ mobile, code, sessionid }: Fields): Result {
    const { sandbox, maxAttempts, newestOnly, now } = this.#options;
    if (!mobile || !code || !sessionid) return { code: 1102 };
    if (typeof code !== 'string' || code.length !== 6) return { code: 1103 };
    if (typeof sessionid !== 'string' || sessionid.length !== 32) return { code: 1103 };
    const number = localNumber(mobile);
    if (number === undefined) return { code: 1612 };
    const session = this.#sessions.get(sessionid);
    if (session === undefined) return { code: 1610 };
    if (session.number !== number) return { code: 1608 };

    const isFixed = sandbox && SANDBOX_SESSIONS.has(number);
    const isOver = session.used || now() - session.sentAt >= TTL_MS;
    const isReplaced = newestOnly && this.#newest.get(number) !== sessionid;
    if (!isFixed && (isOver || isReplaced)) return { code: 1607 };
    if (session.attempts >= maxAttempts) return { code: 1606 };
    session.attempts++;
    if (code !== session.code) return { code: 1609 };
    session.used = true;
    return { code: 200 };
  }

  #detail({ mobile, sessionid }: Record<string, string>): Result {
    if (!mobile || !sessionid) return { code: 1102 };
    const number = localNumber(mobile);
    if (number === undefined) return { code: 1612 };
    const session = this.#sessions.get(sessionid);
    if (session === undefined) return { code: 1101 };
    if (session.number !== number) return { code: 1608 };
    const created_at = new Date(session.sentAt).toISOString().slice(0, 19).replace('T', ' ');
    return { code: 200, data: { mobile: `+966${number}`, sessionid, ...this.delivery, created_at } };
  }

  #signed({ method, path: url }: SimulatedRequest, answer: SimulatedAnswer, isSigned = true): SimulatedAnswer {
    const { apiKey, now } = this.#options;
    const timestamp = Math.floor(now() / 1000);
    const nonce = randomBytes(10).toString('hex');
    const signed = { apiKey, timestamp, nonce, url, method: method as Signed['method'], body: answer.body };
    const headers = {
      'V-Api-Key': apiKey,
      'V-Api-Version': '1',
      'V-Timestamp': String(timestamp),
      'V-Nonce-Str': nonce,
      'V-Signature': isSigned ? signatureOf(signed, keys().system.privateKey) : '',
    };
    return { ...answer, headers };
  }
}

/**
 * A request refused for its time or signature still identifies its account, so the answer is signed. Other refusals are
 * not.
 */
function knowsWhom(refused: number): boolean {
  return refused === 1204 || refused === 1213;
}

interface Result {
  code: number;
  data?: object;
  sms?: VendorReaction['sms'];
}

type Fields = Partial<Record<'mobile' | 'appname' | 'code' | 'sessionid', unknown>>;

function bodyOf({ code, data = {} }: Result): string {
  const requestId = randomBytes(16).toString('hex').toUpperCase();
  return JSON.stringify({ code, message: MESSAGES[code] ?? 'Request failed.', data, sensitiveFields: {}, requestId });
}

interface Pair {
  publicKey: KeyObject;
  privateKey: KeyObject;
}

/** Made once per process: it takes a while. */
function keys(): { merchant: Pair; system: Pair } {
  return (made ??= { merchant: pair(), system: pair() });
}
let made: { merchant: Pair; system: Pair } | undefined;

function pair(): Pair {
  return generateKeyPairSync('rsa', { modulusLength: 2048 });
}
