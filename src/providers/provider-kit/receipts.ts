import type { HttpAnswer, HttpReply } from './http-client.js';
import type { CheckReceipt, SendReceipt, VendorRefusal } from '../../delivery/provider.js';

/**
 * What a reply to a send means with every vendor, before its own words are read. A fault after the request left is
 * `unknown`: the message may be on its way, and sending again could make two.
 *
 * @param refused reads a refusal that says more than its status (401, 402, 403, 429), with vendors whose codes do
 */
export function sendReceipt(
  read: (answer: HttpAnswer) => SendReceipt,
  refused: (answer: HttpAnswer) => SendReceipt | undefined = () => undefined,
): (reply: HttpReply) => SendReceipt {
  return (reply) => {
    if (reply.kind !== 'answer')
      return reply.kind === 'not_sent' ? { outcome: 'provider_unavailable' } : SENSELESS_SEND;
    if (reply.status >= 500) return SENSELESS_SEND;
    return refused(reply) ?? refusalByStatus(reply) ?? read(reply);
  };
}

/** The same for a check: whatever went wrong, it is no success. */
export function checkReceipt(
  read: (answer: HttpAnswer) => CheckReceipt,
  refused: (answer: HttpAnswer) => CheckReceipt | undefined = () => undefined,
): (reply: HttpReply) => CheckReceipt {
  return (reply) => {
    if (reply.kind !== 'answer' || reply.status >= 500) return SENSELESS_CHECK;
    return refused(reply) ?? refusalByStatus(reply) ?? read(reply);
  };
}

/** What an answer means in which the documented place holds nothing that could be a result. */
export const SENSELESS_SEND: SendReceipt = { outcome: 'unknown', ambiguous: true };
export const SENSELESS_CHECK: CheckReceipt = { outcome: 'provider_unavailable' };

/** A name that a vendor gave, for a receipt's `reference`: text or a whole number; `undefined` where it can be none. */
export function referenceOf(value: unknown): string | undefined {
  const name = typeof value === 'number' ? String(value) : value;
  return typeof name === 'string' && /^[\w-]{1,64}$/.test(name) ? name : undefined;
}

/** A name that a vendor gave, where it is a UUID. */
export function isUuid(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value);
}

/** What a vendor says a message cost. An amount or a unit that makes no sense is left out, and spoils no receipt. */
export function costOf(amount: unknown, unit: unknown): Pick<SendReceipt, 'cost'> {
  const text = typeof amount === 'number' ? String(amount) : amount;
  const makesSense = typeof text === 'string' && /^\d{1,9}(\.\d{1,9})?$/.test(text);
  return makesSense && typeof unit === 'string' && /^\S{1,10}$/.test(unit) ? { cost: { amount: text, unit } } : {};
}

function refusalByStatus({ status, retryAfterSeconds }: HttpAnswer): { outcome: VendorRefusal } | undefined {
  if (status === 401 || status === 403) return { outcome: 'unauthorized' };
  if (status === 402) return { outcome: 'insufficient_balance' };
  if (status === 429) return { outcome: 'rate_limited', ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) };
  return undefined;
}
