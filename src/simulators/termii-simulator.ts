import { randomInt, randomUUID } from 'node:crypto';

import { jsonBody } from './json-body.js';
import { keep } from './memory.js';
import { type SimulatedRequest, VendorSimulator, type VendorReaction } from './simulator.js';
import { codeIn } from './texts.js';

export interface TermiiSimulatorOptions {
  /** The only key it accepts. @defaultValue 'termii-simulator-key' */
  apiKey?: string;
  /** Sender ids of the account. @defaultValue ['Acme'] */
  senders?: readonly string[];
  /** How a check reports success and failure. Both forms occur in practice. @defaultValue 'text', as documented */
  verified?: 'text' | 'boolean';
  /** Whether the answer to a wrong code reports the remaining attempts. Not documented. @defaultValue true */
  tellsAttempts?: boolean;
  /** Its clock, in milliseconds. @defaultValue Date.now */
  now?: () => number;
}

/** A code under its id, made by any operation. */
interface Pin {
  code: string;
  msisdn: string;
  attempts: number;
  /** In milliseconds. */
  expiresAt: number;
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * Simulates Termii on this machine, as its pages document {@link https://developers.termii.com/send-token Send Token},
 * {@link https://developers.termii.com/voice-token Voice Token}, {@link https://developer.termii.com/in-app-token
 * In-App Token}, {@link https://developers.termii.com/verify-token Verify Token} and {@link
 * https://developers.termii.com/messaging-api Messaging}. A used code counts as expired, which is not documented.
 *
 * @example
 * const termii = await new TermiiSimulator().start();
 * const provider = new TermiiSendToken(termii.access);
 * … termii.lastCode('+2348109477743')
 */
export class TermiiSimulator extends VendorSimulator {
  readonly #options: Required<TermiiSimulatorOptions>;
  readonly #pins = new Map<string, Pin>();
  #refusal: VendorReaction | undefined;

  constructor({
    apiKey = 'termii-simulator-key',
    senders = ['Acme'],
    verified = 'text',
    tellsAttempts = true,
    now = Date.now,
  }: TermiiSimulatorOptions = {}) {
    super();
    this.#options = { apiKey, senders, verified, tellsAttempts, now };
  }

  /** Options that connect an adapter to it, once started. */
  get access(): { apiKey: string; sender: string; baseUrl: string; testMode: true } {
    const { apiKey, senders } = this.#options;
    return { apiKey, sender: senders[0] ?? '', baseUrl: this.url, testMode: true };
  }

  /** Refuses every request with this status and message, and does nothing else; `undefined` ends it. */
  answerAlways(status: number | undefined, message = ''): void {
    this.#refusal = status === undefined ? undefined : refused(status, { message });
  }

  protected react({ method, path, body }: SimulatedRequest): VendorReaction {
    const operation = this.#operation(path);
    if (operation === undefined) return refused(404, { message: 'Not Found' });
    if (method !== 'POST') return refused(405, { message: 'Method Not Allowed' });
    if (this.#refusal) return this.#refusal;

    const fields = jsonBody(body) ?? {};
    if (fields.api_key !== this.#options.apiKey) return refused(401, { message: 'Unauthorized' });
    const errors = Object.fromEntries(operation.required.flatMap((name) => problemOf(name, fields[name]) ?? []));
    if (Object.keys(errors).length > 0) return refused(422, { message: 'The given data was invalid.', errors });
    if ('from' in fields && !this.#isSender(fields.from)) return refused(400, { message: 'Invalid Sender Id' });
    return operation.react(fields);
  }

  #operation(path: string): { required: readonly string[]; react: (fields: Fields) => VendorReaction } | undefined {
    const pin = ['pin_attempts', 'pin_time_to_live', 'pin_length'];
    switch (path) {
      case '/api/sms/otp/generate':
        return { required: ['pin_type', 'phone_number', ...pin], react: (fields) => this.#generate(fields) };
      case '/api/sms/otp/send':
        return {
          required: ['pin_type', 'to', 'from', 'channel', ...pin, 'pin_placeholder', 'message_text'],
          react: (fields) => this.#sendToken(fields),
        };
      case '/api/sms/otp/send/voice':
        return { required: ['phone_number', ...pin], react: (fields) => this.#callToken(fields) };
      case '/api/sms/otp/verify':
        return { required: ['pin_id', 'pin'], react: (fields) => this.#verify(fields) };
      case '/api/sms/send':
        return { required: ['to', 'from', 'sms', 'type', 'channel'], react: (fields) => this.#sendText(fields) };
      default:
        return undefined;
    }
  }

  #isSender(from: unknown): boolean {
    return typeof from === 'string' && this.#options.senders.includes(from);
  }

  #generate(fields: Fields): VendorReaction {
    const { id, code, msisdn } = this.#newPin(fields, fields.phone_number);
    const data = { pin_id: id, otp: code, phone_number: msisdn, phone_number_other: 'Termii' };
    return json({ status: 'success', data });
  }

  #sendToken(fields: Fields): VendorReaction {
    const { id, code, msisdn } = this.#newPin(fields, fields.to);
    const text = String(fields.message_text).replaceAll(String(fields.pin_placeholder), code);
    return { ...json({ pinId: id, to: msisdn, smsStatus: 'Message Sent' }), sms: { phone: `+${msisdn}`, text, code } };
  }

  #callToken(fields: Fields): VendorReaction {
    const { id, code, msisdn } = this.#newPin(fields, fields.phone_number);
    const text = `(a call) Your pin is ${code}`;
    return { ...json({ ...successfullySent(), pinId: id }), sms: { phone: `+${msisdn}`, text, code } };
  }

  #sendText({ to, sms }: Fields): VendorReaction {
    const text = String(sms);
    return { ...json(successfullySent()), sms: { phone: `+${String(to)}`, text, code: codeIn(text) } };
  }

  #newPin({ pin_length: length, pin_type: type, ...fields }: Fields, to: unknown): Pin & { id: string } {
    const alphabet = type === 'ALPHANUMERIC' ? '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ' : '0123456789';
    const pin: Pin = {
      code: Array.from({ length: Number(length) }, () => alphabet[randomInt(alphabet.length)]).join(''),
      msisdn: String(to),
      attempts: Number(fields.pin_attempts),
      expiresAt: this.#options.now() + Number(fields.pin_time_to_live) * 60_000,
    };
    const id = randomUUID();
    keep(this.#pins, id, pin);
    return { id, ...pin };
  }

  #verify({ pin_id: id, pin: typed }: Fields): VendorReaction {
    const pin = this.#pins.get(String(id));
    if (pin === undefined) return refused(422, { message: 'Invalid pin id', errors: { pin_id: ['Invalid pin id'] } });
    const { msisdn } = pin;
    if (this.#options.now() >= pin.expiresAt) return json({ pinId: id, verified: 'Expired', msisdn }, 400);

    const isRight = pin.attempts > 0 && typed === pin.code;
    if (isRight)
      pin.expiresAt = 0; // the code is used
    else pin.attempts = Math.max(0, pin.attempts - 1);
    return json({
      pinId: id,
      verified: this.#spelled(isRight),
      msisdn,
      ...(!isRight && this.#options.tellsAttempts && { attemptsRemaining: pin.attempts }),
    });
  }

  #spelled(isRight: boolean): unknown {
    if (this.#options.verified === 'boolean') return isRight;
    return isRight ? 'True' : 'False';
  }
}

/** The vendor's answer format for texts and calls. */
function successfullySent() {
  const message_id = `${randomInt(1e9, 1e10)}${randomInt(1e9, 1e10)}`;
  return { code: 'ok', message_id, message: 'Successfully Sent', balance: 77.5, user: 'Termii Test' };
}

/** The documented ranges; other required fields are strings. */
const RULES: Readonly<Record<string, (value: unknown) => boolean>> = {
  pin_type: (value) => value === 'NUMERIC' || value === 'ALPHANUMERIC',
  phone_number: isNumber,
  to: isNumber,
  from: (value) => typeof value === 'string' && value.length >= 3 && value.length <= 11,
  channel: (value) => value === 'dnd' || value === 'generic' || value === 'whatsapp',
  type: (value) => value === 'plain',
  pin_attempts: (value) => isWhole(value, 1, Infinity),
  pin_time_to_live: (value) => isWhole(value, 0, 60),
  pin_length: (value) => isWhole(value, 4, 8),
};

function problemOf(name: string, value: unknown): [string, string[]][] | undefined {
  const isGood = RULES[name]?.(value) ?? (typeof value === 'string' && value !== '');
  return isGood ? undefined : [[name, [`The ${name.replaceAll('_', ' ')} field is invalid.`]]];
}

function isNumber(value: unknown): boolean {
  return typeof value === 'string' && /^[1-9]\d{7,14}$/.test(value);
}

function isWhole(value: unknown, min: number, max: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;
}

function refused(status: number, body: { message: string; errors?: unknown }): VendorReaction {
  return json({ code: status, ...body }, status);
}

function json(body: unknown, status = 200): VendorReaction {
  return { status, body: JSON.stringify(body) };
}
