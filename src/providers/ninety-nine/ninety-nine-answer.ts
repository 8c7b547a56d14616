import type { HttpAnswer } from '../provider-kit/http-client.js';
import type { CheckOutcome, CheckReceipt, SendReceipt, VendorRefusal } from '../../delivery/provider.js';
import { referenceOf, UNAVAILABLE_CHECK, UNKNOWN_SEND } from '../provider-kit/receipts.js';
import { field, readJson } from '../provider-kit/safe-json.js';

/**
 * The vendor's reasons for a refusal, as its pages list them for
 * {@link https://docs.99digital.co.il/sms-api/verify-sms codes} and for
 * {@link https://docs.99digital.co.il/sms-api/send-sms texts} (4 and 8 only there). A refused text is certainly not sent;
 * after "unknown error" (5) it may have been.
 */
const REASONS: ReadonlyMap<unknown, { outcome: VendorRefusal; ambiguous?: boolean }> = new Map([
  [2, { outcome: 'rejected_sender' }], // too long or too short
  [3, { outcome: 'rejected_sender' }], // the vendor has not approved the number
  [4, { outcome: 'unknown', ambiguous: false }], // the text is too long
  [5, { outcome: 'unknown' }],
  [6, { outcome: 'unauthorized' }],
  [7, { outcome: 'invalid_number' }], // empty
  [8, { outcome: 'unknown', ambiguous: false }], // the text is empty
  [9, { outcome: 'rejected_sender' }], // empty
  [10, { outcome: 'unknown', ambiguous: false }], // the text has no "##code##"
]);

const NOT_FAILED = 1;
const VERIFIED = 1;

/** Outcomes that the option `checkStatuses` can assign to a `status`. */
export type NinetyNineRefusal = Extract<CheckOutcome, 'incorrect_code' | 'expired' | 'attempts_exhausted'>;

/** Sent means `OK` and reason 1 in one response. A contradictory response may also have been sent. */
export function readSend({ status, text }: HttpAnswer): SendReceipt {
  const json = readJson(text);
  const reason = field(json, 'reason');
  if (field(json, 'status') === 'FAIL') return REASONS.get(reason) ?? UNKNOWN_SEND;
  if (status !== 200 || field(json, 'status') !== 'OK' || reason !== NOT_FAILED) return UNKNOWN_SEND;
  const reference = referenceOf(field(json, 'unique')); // id of the message; the code has none
  return { outcome: 'sent', ...(reference !== undefined && { reference }) };
}

/** Verified means `status` 1 for the same number. */
export function readCheck(
  { status, text }: HttpAnswer,
  number: string,
  refusals: ReadonlyMap<number, NinetyNineRefusal>,
): CheckReceipt {
  const json = readJson(text);
  const verdict = field(json, 'status');
  if (verdict === 'FAIL') return { outcome: REASONS.get(field(json, 'reason'))?.outcome ?? 'unknown' };
  if (status !== 200 || typeof verdict !== 'number') return UNAVAILABLE_CHECK;
  if (verdict !== VERIFIED) return { outcome: refusals.get(verdict) ?? 'incorrect_code' };
  return field(json, 'phone') === number ? { outcome: 'verified' } : UNAVAILABLE_CHECK;
}

/** Delivery status of a message. */
export interface NinetyNineDelivery {
  /**
   * `cannot_receive`: the phone accepts no SMS at all ("kosher"); `opted_out`: its owner refuses messages of this kind;
   * `unknown`: no report, because it is too early or too late.
   */
  readonly outcome:
    | 'delivered'
    | 'failed'
    | 'timed_out'
    | 'cannot_receive'
    | 'opted_out'
    | 'illegal_message'
    | 'outside_israel'
    | 'unknown';
  /** The vendor's own status code. */
  readonly code?: number;
  /** Mobile network operator, such as `Cellcom`. */
  readonly operator?: string;
}

/** The vendor's status codes by outcome, as {@link https://docs.99digital.co.il/sms-api/delivery-status its page} lists them. */
const DELIVERIES: Readonly<Record<Exclude<NinetyNineDelivery['outcome'], 'unknown'>, readonly number[]>> = {
  delivered: [-1, 0, 102],
  failed: [1, 3, 5, 6, 101, 105, 106, 107, ...range(109, 132), 999, 4, 14, 104],
  timed_out: [2, 103],
  cannot_receive: [15],
  opted_out: [17, 201],
  illegal_message: [18, 998],
  outside_israel: [747],
};
const OUTCOMES = new Map(
  Object.entries(DELIVERIES).flatMap(([outcome, codes]) =>
    codes.map((code) => [code, outcome as NinetyNineDelivery['outcome']] as const),
  ),
);

/** Reads the newest report on a number. The vendor appends reports to a list. */
export function readDelivery({ status, text }: HttpAnswer, number: string): NinetyNineDelivery {
  const reports: unknown = readJson(text);
  if (status !== 200 || !Array.isArray(reports)) return { outcome: 'unknown' };
  const report: unknown = reports.findLast((entry) => field(entry, 'to') === number);
  const code = field(report, 'code');
  const operator = field(report, 'operator');
  if (typeof code !== 'number') return { outcome: 'unknown' };
  return {
    outcome: OUTCOMES.get(code) ?? 'unknown',
    code,
    ...(typeof operator === 'string' && { operator }),
  };
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
