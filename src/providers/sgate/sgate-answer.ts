import type { HttpAnswer } from '../provider-kit/http-client.js';
import type { CheckOutcome, CheckReceipt, SendReceipt, VendorRefusal } from '../../delivery/provider.js';
import { SENSELESS_CHECK, SENSELESS_SEND } from '../provider-kit/receipts.js';
import { field, readJson } from '../provider-kit/safe-json.js';
import { isSandboxSession, isSession, localNumber } from './sgate-numbers.js';
import type { Seal } from './sgate-signature.js';

const SUCCEEDED = 200;
/** One message per number and minute. */
export const COOLDOWN_SECONDS = 60;

/** Who asks was not accepted: the only answers that the vendor leaves unsigned. */
const UNAUTHORIZED = [1200, 1201, 1202, 1204, 1205, 1207, 1208, 1209, 1210, 1211, 1213];

/**
 * The vendor's codes that say more than "failed", as {@link https://docs.sgate.sa/en/payoutApi/appendix/statusCode.html
 * its list} has them. 1607 is "invalid or expired", and it is also what a used code gets: none of that is a success.
 */
const REFUSALS = new Map<number, readonly [atSend: VendorRefusal, atCheck: CheckOutcome]>([
  ...UNAUTHORIZED.map((code) => [code, ['unauthorized', 'unauthorized']] as const),
  [1103, ['invalid_number', 'incorrect_code']], // a field is not as it must be
  [1206, ['provider_unavailable', 'provider_unavailable']],
  [1212, ['rate_limited', 'rate_limited']],
  [1402, ['insufficient_balance', 'insufficient_balance']],
  [1600, ['provider_unavailable', 'provider_unavailable']],
  [1601, ['provider_unavailable', 'provider_unavailable']],
  [1602, ['provider_unavailable', 'provider_unavailable']],
  [1603, ['rejected_sender', 'rejected_sender']],
  [1604, ['rejected_sender', 'rejected_sender']],
  [1606, ['unknown', 'incorrect_code']],
  [1607, ['unknown', 'incorrect_code']],
  [1608, ['unknown', 'incorrect_code']],
  [1609, ['unknown', 'incorrect_code']],
  [1610, ['unknown', 'incorrect_code']],
  [1611, ['resend_too_soon', 'unknown']],
  [1612, ['invalid_number', 'invalid_number']],
]);

export function readSend(answer: HttpAnswer, seal: Seal, phone: string, testMode: boolean): SendReceipt {
  const result = readResult(answer, seal);
  if (result === undefined) return SENSELESS_SEND;
  if (result.code !== SUCCEEDED) return refusedSend(result.code);

  const reference = field(result.data, 'sessionid');
  if (!isSession(reference) || !speaksOf(result.data, phone)) return SENSELESS_SEND;
  // The sandbox answered for one of its numbers, whose code everybody knows: it sent nothing.
  if (!testMode && isSandboxSession(reference)) return { outcome: 'unauthorized' };
  return { outcome: 'sent', reference };
}

export function readCheck(answer: HttpAnswer, seal: Seal, phone: string): CheckReceipt {
  const result = readResult(answer, seal);
  if (result === undefined) return SENSELESS_CHECK;
  if (result.code !== SUCCEEDED) return { outcome: REFUSALS.get(result.code)?.[1] ?? 'unknown' };
  return speaksOf(result.data, phone) ? { outcome: 'verified' } : SENSELESS_CHECK;
}

/** What became of a message. */
export interface SgateDelivery {
  /** `found`, or why nothing can be said. */
  readonly outcome: 'found' | VendorRefusal;
  /** How far the vendor is. */
  readonly status?: 'unknown' | 'create' | 'pending' | 'sending' | 'success' | 'fail';
  /** What the network reported. */
  readonly report?: 'unknown' | 'pending' | 'success' | 'fail';
  /** In the vendor's own writing, which it does not document. */
  readonly createdAt?: string;
}

const STATUSES: readonly SgateDelivery['status'][] = ['unknown', 'create', 'pending', 'sending', 'success', 'fail'];
const REPORTS: readonly SgateDelivery['report'][] = ['unknown', 'pending', 'success', 'fail'];

export function readDelivery(answer: HttpAnswer, seal: Seal, phone: string): SgateDelivery {
  const result = readResult(answer, seal);
  if (result === undefined) return { outcome: 'provider_unavailable' };
  if (result.code !== SUCCEEDED) return { outcome: REFUSALS.get(result.code)?.[0] ?? 'unknown' };
  if (!speaksOf(result.data, phone)) return { outcome: 'unknown' };

  const createdAt = field(result.data, 'created_at');
  return {
    outcome: 'found',
    status: STATUSES.find((status) => status === field(result.data, 'status')) ?? 'unknown',
    report: REPORTS.find((report) => report === field(result.data, 'reportstatus')) ?? 'unknown',
    ...(typeof createdAt === 'string' && { createdAt }),
  };
}

/** The one-per-minute rule has no code of its own: 1611, "being sent", and 1212, "too often", both fit it. */
function refusedSend(code: number): SendReceipt {
  const outcome = REFUSALS.get(code)?.[0] ?? 'unknown';
  const mustWait = outcome === 'resend_too_soon' || outcome === 'rate_limited';
  return { outcome, ...(mustWait && { retryAfterSeconds: COOLDOWN_SECONDS }) };
}

/** The code in an answer that is the vendor's own word, or `undefined`. Codes are numbers; with which status errors come is not documented. */
function readResult({ status, text }: HttpAnswer, seal: Seal): { code: number; data: unknown } | undefined {
  const json = readJson(text);
  const code = field(json, 'code');
  if (typeof code !== 'number' || seal === 'broken') return undefined;
  if (seal === 'unsigned' && !UNAUTHORIZED.includes(code)) return undefined;
  if (code === SUCCEEDED && status !== 200) return undefined;
  return { code, data: field(json, 'data') };
}

/** An answer need not name a number. If it does, it is ours, in whichever of its four spellings. */
function speaksOf(data: unknown, phone: string): boolean {
  const mobile = field(data, 'mobile');
  return mobile === undefined || localNumber(mobile) === localNumber(phone);
}
