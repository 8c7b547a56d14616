import type { HttpAnswer } from '../provider-kit/http-client.js';
import type { CheckOutcome, CheckReceipt, SendReceipt } from '../../delivery/provider.js';
import { isUuid, SENSELESS_CHECK, SENSELESS_SEND } from '../provider-kit/receipts.js';
import { field, readJson } from '../provider-kit/safe-json.js';

// Refusals are "problem details": the status says which, and a title that the vendor said it. Statuses that mean the same
// with every vendor (401, 402, 403, 429, 5xx) were read before.

const CHECKED: ReadonlyMap<number, CheckOutcome> = new Map([
  [400, 'incorrect_code'],
  [404, 'expired'], // also verified before, or cancelled
  [410, 'attempts_exhausted'],
]);

export function readStarted(answer: HttpAnswer, ttlSeconds: number): SendReceipt {
  const json = readJson(answer.text);
  const reference = field(json, 'request_id');
  if (answer.status === 202) return isUuid(reference) ? { outcome: 'sent', reference } : SENSELESS_SEND;
  const problem = problemIn(answer);
  if (problem === undefined) return SENSELESS_SEND;
  // Samples of the vendor's own libraries have the conflict under 422, too.
  if (answer.status === 409 || problem === 'Conflict') {
    return { outcome: 'resend_too_soon', retryAfterSeconds: answer.retryAfterSeconds ?? ttlSeconds };
  }
  // Of the parameters, only the number is anybody's choice.
  return answer.status === 422 ? { outcome: 'invalid_number' } : { outcome: 'unknown', ambiguous: false };
}

/** Verified is "completed", for the request that was asked about. */
export function readCheck(answer: HttpAnswer, reference: string): CheckReceipt {
  if (answer.status === 200) {
    const json = readJson(answer.text);
    const isCompleted = field(json, 'status') === 'completed' && field(json, 'request_id') === reference;
    return isCompleted ? { outcome: 'verified' } : SENSELESS_CHECK;
  }
  const problem = problemIn(answer);
  if (problem === undefined) return SENSELESS_CHECK;
  if (answer.status === 400 && problem !== 'Invalid Code') return { outcome: 'unknown' };
  return { outcome: CHECKED.get(answer.status) ?? 'unknown' };
}

function problemIn({ status, text }: HttpAnswer): string | undefined {
  const title = status >= 400 ? field(readJson(text), 'title') : undefined;
  return typeof title === 'string' ? title : undefined;
}
