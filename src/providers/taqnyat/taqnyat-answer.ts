import type { HttpAnswer } from '../provider-kit/http-client.js';
import type { CheckOutcome, CheckReceipt, SendOutcome, SendReceipt } from '../../delivery/provider.js';
import { costOf, referenceOf, UNAVAILABLE_CHECK, UNKNOWN_SEND } from '../provider-kit/receipts.js';
import { field, readJson } from '../provider-kit/safe-json.js';

/**
 * The vendor's result codes, as {@link https://dev.taqnyat.sa/en/doc/verify/ its page} lists them; 19 is known from public
 * clients. The only success of a send is 5, of a check 10. "Number is activated" (13, 19) refers to the number, not to the
 * typed code.
 */
const RESULTS: ReadonlyMap<number, readonly [atSend: SendOutcome, atCheck: CheckOutcome]> = new Map([
  [0, ['provider_unavailable', 'provider_unavailable']], // the vendor's front end could not reach its server
  [1, ['unauthorized', 'unauthorized']],
  [3, ['invalid_number', 'invalid_number']],
  [4, ['insufficient_balance', 'insufficient_balance']],
  [5, ['sent', 'unknown']],
  [7, ['resend_too_soon', 'unknown']], // the message contains the wait
  [8, ['rate_limited', 'attempts_exhausted']],
  [10, ['unknown', 'verified']],
  [11, ['unknown', 'incorrect_code']], // presumably also for an expired code, which has no result code of its own
  [12, ['unknown', 'attempts_exhausted']],
  [13, ['already_verified', 'already_verified']],
  [19, ['already_verified', 'already_verified']],
]);

/** 6 covers several errors; only the message tells them apart. */
const UNKNOWN_ERROR = 6;
const SENT = 5;
const VERIFIED = 10;
const CREATED = 201;

export function readSend(answer: HttpAnswer, cooldownSeconds: number): SendReceipt {
  const result = readResult(answer);
  if (result === undefined) return UNKNOWN_SEND;
  if (result.code === UNKNOWN_ERROR) return { outcome: outcomeByMessage(result.message) };
  const outcome = RESULTS.get(result.code)?.[0] ?? 'unknown';
  if (outcome !== 'resend_too_soon') return { outcome };
  return { outcome, retryAfterSeconds: secondsIn(result.message) ?? cooldownSeconds };
}

export function readCheck(answer: HttpAnswer): CheckReceipt {
  const result = readResult(answer);
  if (result === undefined) return UNAVAILABLE_CHECK;
  if (result.code === UNKNOWN_ERROR) return { outcome: outcomeByMessage(result.message) };
  return { outcome: RESULTS.get(result.code)?.[1] ?? 'unknown' };
}

/**
 * Reads the response to a text. Accepted means HTTP 201 and `statusCode` 201. The page shows no failure; in practice, clients
 * receive another `statusCode` with a message, and a list of rejected numbers.
 */
export function readMessage({ status, text }: HttpAnswer, number: string): SendReceipt {
  const json = readJson(text);
  if (isRefusal(json)) return { outcome: 'unknown', ambiguous: false };
  const reference = referenceOf(field(json, 'messageId'));
  const rejected = field(json, 'rejected') ?? '[]';
  if (status !== CREATED || field(json, 'statusCode') !== CREATED || reference === undefined) return UNKNOWN_SEND;
  if (rejected === '[]') return { outcome: 'sent', reference, ...costOf(field(json, 'cost'), field(json, 'currency')) };
  return JSON.stringify(rejected).includes(number) ? { outcome: 'invalid_number' } : UNKNOWN_SEND;
}

/** Reads why a text was refused, if the message says so. */
export function readRefusedMessage({ text }: HttpAnswer): SendReceipt | undefined {
  const json = readJson(text);
  const message = isRefusal(json) ? String(field(json, 'message')) : '';
  const outcome = outcomeByMessage(message);
  if (outcome !== 'unknown') return { outcome };
  return /recipient|mobile|number/i.test(message) ? { outcome: 'invalid_number' } : undefined;
}

function isRefusal(json: unknown): boolean {
  const code = field(json, 'statusCode');
  return typeof code === 'number' && code >= 400 && code < 500 && typeof field(json, 'message') === 'string';
}

interface Result {
  code: number;
  message: string;
}

/** Reads the result of a response; `undefined` if there is none, or if a success contradicts itself. */
function readResult({ status, text }: HttpAnswer): Result | undefined {
  if (status !== 200 && status !== 201) return undefined;
  const answer = unwrap(readJson(text));
  const code = toCode(typeof answer === 'object' ? findResult(answer) : answer);
  if (code === undefined) return undefined;
  if ((code === SENT || code === VERIFIED) && !isSuccess(answer)) return undefined;
  return { code, message: messageOf(answer) };
}

/** The request is an array with one element; the response may be one too. */
function unwrap(json: unknown): unknown {
  if (!Array.isArray(json)) return json;
  return json.length === 1 ? json[0] : undefined;
}

/** The value of the first field present. An invalid value is not skipped in favour of a later field. */
function findResult(answer: unknown): unknown {
  return (
    field(answer, 'Data', 'result') ??
    field(answer, 'Error', 'ErrorCode') ??
    field(answer, 'code') ??
    field(answer, 'statusCode') ??
    field(answer, 'result') ??
    // In the envelope, `status` is a flag: 1 does not mean "invalid apiKey" there.
    (field(answer, 'ResponseStatus') === undefined ? field(answer, 'status') : undefined)
  );
}

/** A result code is a number or, in older responses, a string; in exactly one spelling. */
function toCode(value: unknown): number | undefined {
  const text = typeof value === 'number' ? String(value) : value;
  return typeof text === 'string' && /^(0|[1-9]\d{0,2})$/.test(text) ? Number(text) : undefined;
}

/** A success must be the requested JSON, not a bare number, and contain no error. */
function isSuccess(answer: unknown): boolean {
  const status = field(answer, 'ResponseStatus') ?? 'success';
  return typeof answer === 'object' && field(answer, 'Error', 'ErrorCode') === undefined && status === 'success';
}

function messageOf(answer: unknown): string {
  const messages = [field(answer, 'Data'), field(answer, 'Error'), answer].map((part) => field(part, 'MessageEn'));
  return String(messages.find((message) => typeof message === 'string') ?? '');
}

function outcomeByMessage(message: string): 'rejected_sender' | 'insufficient_balance' | 'unknown' {
  if (/sender/i.test(message)) return 'rejected_sender';
  return /balance/i.test(message) ? 'insufficient_balance' : 'unknown';
}

/** Reads the wait from "… you can re-send it in 45 second"; the vendor documents no field for it. */
function secondsIn(message: string): number | undefined {
  const [seconds] = /(?<!\d)\d{1,4}(?!\d)/.exec(message) ?? [];
  return seconds === undefined ? undefined : Math.max(1, Number(seconds));
}
