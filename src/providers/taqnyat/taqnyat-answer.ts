import type { HttpAnswer } from '../provider-kit/http-client.js';
import type { CheckOutcome, CheckReceipt, SendOutcome, SendReceipt } from '../../delivery/provider.js';
import { costOf, referenceOf, SENSELESS_CHECK, SENSELESS_SEND } from '../provider-kit/receipts.js';
import { field, readJson } from '../provider-kit/safe-json.js';

/**
 * The vendor's result codes, as {@link https://dev.taqnyat.sa/en/doc/verify/ its page} lists them, and 19 as public
 * clients know it. At a send 5 is the only success, at a check 10: "number is activated" (13, 19) speaks of the number,
 * not of the code just typed.
 */
const RESULTS: ReadonlyMap<number, readonly [atSend: SendOutcome, atCheck: CheckOutcome]> = new Map([
  [0, ['provider_unavailable', 'provider_unavailable']], // the vendor's front end did not reach its server
  [1, ['unauthorized', 'unauthorized']],
  [3, ['invalid_number', 'invalid_number']],
  [4, ['insufficient_balance', 'insufficient_balance']],
  [5, ['sent', 'unknown']],
  [7, ['resend_too_soon', 'unknown']], // the wait stands in the message
  [8, ['rate_limited', 'attempts_exhausted']],
  [10, ['unknown', 'verified']],
  [11, ['unknown', 'incorrect_code']], // also what an expired code presumably gets: there is no code of its own for it
  [12, ['unknown', 'attempts_exhausted']],
  [13, ['already_verified', 'already_verified']],
  [19, ['already_verified', 'already_verified']],
]);

/** 6 covers several errors; which one, only the message says. */
const UNKNOWN_ERROR = 6;
const SENT = 5;
const VERIFIED = 10;
const CREATED = 201;

export function readSend(answer: HttpAnswer, cooldownSeconds: number): SendReceipt {
  const result = readResult(answer);
  if (result === undefined) return SENSELESS_SEND;
  if (result.code === UNKNOWN_ERROR) return { outcome: outcomeByMessage(result.message) };
  const outcome = RESULTS.get(result.code)?.[0] ?? 'unknown';
  if (outcome !== 'resend_too_soon') return { outcome };
  return { outcome, retryAfterSeconds: secondsIn(result.message) ?? cooldownSeconds };
}

export function readCheck(answer: HttpAnswer): CheckReceipt {
  const result = readResult(answer);
  if (result === undefined) return SENSELESS_CHECK;
  if (result.code === UNKNOWN_ERROR) return { outcome: outcomeByMessage(result.message) };
  return { outcome: RESULTS.get(result.code)?.[1] ?? 'unknown' };
}

/**
 * What became of a text: accepted is `statusCode` 201 in the answer, too. The page shows no failure; clients in the field
 * see another `statusCode` and a message, and a number that is not accepted in a list of its own.
 */
export function readMessage({ status, text }: HttpAnswer, number: string): SendReceipt {
  const json = readJson(text);
  if (isRefusal(json)) return { outcome: 'unknown', ambiguous: false };
  const reference = referenceOf(field(json, 'messageId'));
  const rejected = field(json, 'rejected') ?? '[]';
  if (status !== CREATED || field(json, 'statusCode') !== CREATED || reference === undefined) return SENSELESS_SEND;
  if (rejected === '[]') return { outcome: 'sent', reference, ...costOf(field(json, 'cost'), field(json, 'currency')) };
  return JSON.stringify(rejected).includes(number) ? { outcome: 'invalid_number' } : SENSELESS_SEND;
}

/** Why a text was refused, where the message names what is wrong. */
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

/** The result in a whole answer, or `undefined` where it cannot be told, or where a success contradicts itself. */
function readResult({ status, text }: HttpAnswer): Result | undefined {
  if (status !== 200 && status !== 201) return undefined;
  const answer = unwrapped(readJson(text));
  const code = toCode(typeof answer === 'object' ? placedResult(answer) : answer);
  if (code === undefined) return undefined;
  if ((code === SENT || code === VERIFIED) && !affirms(answer)) return undefined;
  return { code, message: messageOf(answer) };
}

/** The request is an array of one, and the answer may be, too. */
function unwrapped(json: unknown): unknown {
  if (!Array.isArray(json)) return json;
  return json.length === 1 ? json[0] : undefined;
}

/** What stands in the first place that is there; a senseless value is not passed over for a better one further on. */
function placedResult(answer: unknown): unknown {
  return (
    field(answer, 'Data', 'result') ??
    field(answer, 'Error', 'ErrorCode') ??
    field(answer, 'code') ??
    field(answer, 'statusCode') ??
    field(answer, 'result') ??
    // Inside the envelope, `status` is its own flag: 1 there is no "invalid apiKey".
    (field(answer, 'ResponseStatus') === undefined ? field(answer, 'status') : undefined)
  );
}

/** Result codes come as numbers, and in older answers as text: in exactly one spelling. */
function toCode(value: unknown): number | undefined {
  const text = typeof value === 'number' ? String(value) : value;
  return typeof text === 'string' && /^(0|[1-9]\d{0,2})$/.test(text) ? Number(text) : undefined;
}

/** A success needs the JSON that was asked for, not a bare number, and nothing in it that speaks of an error. */
function affirms(answer: unknown): boolean {
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

/** "… you can re-send it in 45 second": which field holds the wait is not documented. */
function secondsIn(message: string): number | undefined {
  const [seconds] = /(?<!\d)\d{1,4}(?!\d)/.exec(message) ?? [];
  return seconds === undefined ? undefined : Math.max(1, Number(seconds));
}
