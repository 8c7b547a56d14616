import { randomInt } from 'node:crypto';

import { keep } from './memory.js';
import { type SimulatedRequest, VendorSimulator, type VendorReaction } from './simulator.js';
import { codeIn } from './texts.js';

export interface NinetyNineSimulatorOptions {
  /** The only key it accepts. @defaultValue 'ninety-nine-simulator-key' */
  apiKey?: string;
  /** Sender numbers that the vendor has approved. @defaultValue ['0501234567'] */
  approvedSenders?: readonly string[];
  /** Digits of a code. Not documented. @defaultValue 6 */
  codeLength?: number;
  /** How long a code is valid, in seconds. @defaultValue 600, as documented */
  ttlSeconds?: number;
  /** Codes compared for one message. Not documented. @defaultValue 5 */
  maxAttempts?: number;
  /** The `status` of a failed check, by reason. Not documented; a success is 1. @defaultValue 0 for each */
  checkStatuses?: { wrong?: number; expired?: number; exhausted?: number };
  /** Its clock, in milliseconds. @defaultValue Date.now */
  now?: () => number;
}

/** The only valid code of a number. A new message invalidates the previous one, which is not documented. */
interface Verification {
  code: string;
  sentAt: number;
  attempts: number;
}

type Form = ReadonlyMap<string, string>;

const DEFAULT_MESSAGE = ' Your verification code is: ##code## ';

/**
 * Simulates 99 Digital on this machine, as its pages document {@link https://docs.99digital.co.il/sms-api/verify-sms
 * codes}, {@link https://docs.99digital.co.il/sms-api/send-sms texts} and {@link
 * https://docs.99digital.co.il/sms-api/delivery-status delivery reports}. Whatever the pages leave open is an option
 * here.
 *
 * @example
 * const vendor = await new NinetyNineSimulator().start();
 * const provider = new NinetyNineVerify(vendor.access);
 * … vendor.lastCode('+972502345678')
 */
export class NinetyNineSimulator extends VendorSimulator {
  readonly #options: Required<Omit<NinetyNineSimulatorOptions, 'checkStatuses'>>;
  readonly #statuses: { wrong: number; expired: number; exhausted: number };
  readonly #verifications = new Map<string, Verification>();
  /** The recipient of each message. */
  readonly #sent = new Map<string, string>();
  readonly #reports = new Map<string, number>();
  #lastUnique = 63_433_452;
  #always: { reason?: number; status?: number } = {};

  constructor({
    apiKey = 'ninety-nine-simulator-key',
    approvedSenders = ['0501234567'],
    codeLength = 6,
    ttlSeconds = 600,
    maxAttempts = 5,
    checkStatuses,
    now = Date.now,
  }: NinetyNineSimulatorOptions = {}) {
    super();
    this.#options = { apiKey, approvedSenders, codeLength, ttlSeconds, maxAttempts, now };
    this.#statuses = { wrong: 0, expired: 0, exhausted: 0, ...checkStatuses };
  }

  /** Options that connect an adapter to it, once started. */
  get access(): { apiKey: string; sender: string; baseUrl: string; testMode: true } {
    return { apiKey: this.#options.apiKey, sender: 'Acme', baseUrl: this.url, testMode: true };
  }

  /** Answers every message with this reason and every check with this status, and does nothing else; `{}` ends it. */
  answerAlways(answer: { reason?: number; status?: number }): void {
    this.#always = answer;
  }

  /** Sets the final delivery code of a message (by its `unique`). By default, messages are delivered (102). */
  report(unique: string, code: number): void {
    keep(this.#reports, unique, code);
  }

  protected async react(request: SimulatedRequest): Promise<VendorReaction> {
    if (request.method !== 'POST') return { status: 404, body: 'Not Found' };
    const form = await formOf(request);
    if (request.path === '/sms/verifySMS') return form.has('code') ? this.#check(form) : this.#sendCode(form);
    if (request.path === '/sms/sendMessage') return this.#sendText(form);
    if (request.path === '/sms/deliveryStatus') return this.#deliveryStatus(form);
    return { status: 404, body: 'Not Found' };
  }

  #sendCode(form: Form): VendorReaction {
    const message = form.get('message') ?? DEFAULT_MESSAGE;
    const reason = this.#reason(form) ?? (message.includes('##code##') ? undefined : 10);
    if (reason !== undefined) return sent(reason, form);

    const { codeLength, now } = this.#options;
    const to = form.get('to')!;
    const code = String(randomInt(10 ** codeLength)).padStart(codeLength, '0');
    keep(this.#verifications, to, { code, sentAt: now(), attempts: 0 });
    return this.#send(form, { text: message.replaceAll('##code##', code).trim(), code });
  }

  #sendText(form: Form): VendorReaction {
    const text = form.get('text') ?? '';
    const reason = this.#reason(form) ?? (text === '' ? 8 : undefined);
    if (reason !== undefined) return sent(reason, form);
    return this.#send(form, { text, code: codeIn(text) }, { text });
  }

  #send(form: Form, sms: { text: string; code: string }, echo = {}): VendorReaction {
    const unique = String(++this.#lastUnique);
    const to = form.get('to')!;
    keep(this.#sent, unique, to);
    return { ...sent(1, form, { unique, ...echo }), sms: { phone: `+972${to.slice(1)}`, ...sms } };
  }

  /** Returns why a message is refused. Checks the fields in the order of the form. */
  #reason(form: Form): number | undefined {
    const from = form.get('from') ?? '';
    if (this.#always.reason !== undefined) return this.#always.reason;
    if (form.get('apiKey') !== this.#options.apiKey) return 6;
    if (from === '') return 9;
    if (from.length > 11) return 2;
    if (/^\d+$/.test(from) && !this.#options.approvedSenders.includes(from)) return 3;
    if (!form.get('to')) return 7;
    // The documentation names no reason for an invalid number.
    return /^05\d{8}$/.test(form.get('to')!) ? undefined : 5;
  }

  #check(form: Form): VendorReaction {
    const phone = form.get('to') ?? '';
    if (this.#always.status !== undefined) return json({ status: this.#always.status, phone });
    if (form.get('apiKey') !== this.#options.apiKey) return sent(6, form);
    return json({ status: this.#judge(phone, form.get('code')!), phone });
  }

  #judge(phone: string, code: string): number {
    const { now, ttlSeconds, maxAttempts } = this.#options;
    const known = this.#verifications.get(phone);
    if (known === undefined) return this.#statuses.wrong;
    if (now() - known.sentAt >= ttlSeconds * 1000) return this.#statuses.expired;
    if (known.attempts >= maxAttempts) return this.#statuses.exhausted;
    known.attempts++;
    if (code !== known.code) return this.#statuses.wrong;
    this.#verifications.delete(phone); // "a code can be used only once"
    return 1;
  }

  #deliveryStatus(form: Form): VendorReaction {
    const unique = form.get('unique') ?? '';
    const to = this.#sent.get(unique);
    if (form.get('apiKey') !== this.#options.apiKey) return sent(6, form);
    if (to === undefined) return json([]);
    const code = this.#reports.get(unique) ?? 102;
    const [he_message, en_message] = code === 102 ? ['הגיע ליעד', 'Delivered'] : ['לא הגיע ליעד', 'Failed'];
    return json([
      { from: '0501234567', to, code, he_message, en_message, date: '15/03/21 20:18', operator: 'Cellcom' },
    ]);
  }
}

/** Answers a message. A failure has no `unique`. */
function sent(reason: number, form: Form, rest = {}): VendorReaction {
  const status = reason === 1 ? 'OK' : 'FAIL';
  return json({ status, timestamp: Math.floor(Date.now() / 1000), from: form.get('from') ?? '', reason, ...rest });
}

function json(body: unknown): VendorReaction {
  return { body: JSON.stringify(body) };
}

/** Reads form data, multipart or URL-encoded; any other body is an empty form. */
async function formOf({ bytes, headers }: SimulatedRequest): Promise<Form> {
  const type = headers['content-type'] ?? '';
  try {
    const form = await new Response(new Uint8Array(bytes), { headers: { 'content-type': type } }).formData();
    return new Map([...form].map(([name, value]) => [name, typeof value === 'string' ? value : '']));
  } catch {
    return new Map();
  }
}
