import type { Database } from '../database/database.js';
import { hex } from '../database/hex.js';
import { requireObject, requireText } from '../errors/input.js';
import type { KeyedHash } from '../crypto/keyed-hash.js';
import { OtpError } from '../errors/otp.error.js';
import type { AuditEntry, AuditEvent } from './audit-entry.entity.js';

/** Which entries to find: exactly one of `phone`, `account` and `challengeId`, and optional bounds. */
export interface AuditQuery {
  /** Canonical E.164. Entries are found as long as the oldest pepper is the one they were written with. */
  phone?: string;
  account?: string;
  /** The public half of the handle, as in the events. */
  challengeId?: string;
  since?: Date;
  until?: Date;
  /** At most 1000. @defaultValue 100 */
  limit?: number;
  /** For the next page: the `id` of the last entry of the previous page. */
  before?: string;
}

/** Finds audit entries of a number, an account or a challenge, for operators. The function that makes a change also writes its entry. */
export class OtpAudit {
  /** @internal */
  constructor(
    private readonly database: Database,
    private readonly hash: KeyedHash,
  ) {}

  /**
   * Finds entries, newest first.
   * @throws {@link OtpError} `request_invalid`, also if there is not exactly one criterion · `service_unavailable`
   */
  async find(query: AuditQuery): Promise<AuditEntry[]> {
    requireObject('The query', query);
    const { since = null, until = null, limit = 100, before = null } = query;
    const [by, ...others] = CRITERIA.filter((criterion) => criterion in query);
    if (by === undefined || others.length > 0) {
      throw new OtpError('request_invalid', 'Pass exactly one of "phone", "account" and "challengeId".');
    }
    const value = requireText(by, query[by]);
    const valid =
      (by !== 'challengeId' || UUID.test(value)) &&
      [since, until].every((date) => date === null || (date instanceof Date && !Number.isNaN(date.getTime()))) &&
      (before === null || (typeof before === 'string' && /^\d{1,18}$/.test(before))) &&
      Number.isInteger(limit) &&
      limit >= 1 &&
      limit <= MAX_LIMIT;
    if (!valid) {
      throw new OtpError(
        'request_invalid',
        '"challengeId" must be a UUID, "since" and "until" must be dates, "before" must be the id of an entry, and "limit" ' +
          `must be a whole number from 1 to ${MAX_LIMIT}.`,
      );
    }
    const { entries } = await this.database.call<{ entries: EntryAnswer[] }>('find_audit', {
      ...(by === 'phone' && { phone_hash: hex(this.hash.ofPhone(value)) }),
      ...(by === 'account' && { account: value }),
      ...(by === 'challengeId' && { challenge_id: value }),
      since,
      until,
      before,
      most: limit,
    });
    return entries.map(entry);
  }
}

const CRITERIA = ['phone', 'account', 'challengeId'] as const;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const MAX_LIMIT = 1000;

interface EntryAnswer {
  id: string;
  at: string;
  event: AuditEvent;
  outcome: string | null;
  purpose: string | null;
  account: string | null;
  phone_hash: string | null;
  challenge_id: string | null;
  tier: string | null;
  provider: string | null;
}

function entry({ at, phone_hash: phoneHash, challenge_id: challengeId, ...rest }: EntryAnswer): AuditEntry {
  return {
    ...rest,
    at: new Date(at),
    phoneHash: phoneHash === null ? null : Buffer.from(phoneHash, 'hex'),
    challengeId,
  };
}
