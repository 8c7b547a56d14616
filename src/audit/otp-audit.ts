import type { Database } from '../database/database.js';
import { hex } from '../database/hex.js';
import { requireObject, requireText } from '../errors/input.js';
import type { KeyedHash } from '../crypto/keyed-hash.js';
import { OtpError } from '../errors/otp.error.js';
import type { AuditEntry, AuditEvent } from './audit-entry.entity.js';

/** Whose entries: exactly one of the three. */
export interface AuditQuery {
  /** Canonical E.164. Found as long as the oldest pepper is the one it was written under. */
  phone?: string;
  account?: string;
  /** The public half of the handle, as the events have it. */
  challengeId?: string;
  since?: Date;
  until?: Date;
  /** At most 1000. @defaultValue 100 */
  limit?: number;
  /** For the next page: `id` of the last entry of the page before. */
  before?: string;
}

/** What happened to a number, an account or a challenge, for operators. Entries are written by the functions that make the facts. */
export class OtpAudit {
  /** @internal */
  constructor(
    private readonly database: Database,
    private readonly hash: KeyedHash,
  ) {}

  /**
   * Newest first.
   * @throws {@link OtpError} `request_invalid`, also without any criterion · `service_unavailable`
   */
  async find(query: AuditQuery): Promise<AuditEntry[]> {
    requireObject('The query', query);
    const { since = null, until = null, limit = 100, before = null } = query;
    const [by, ...others] = CRITERIA.filter((criterion) => criterion in query);
    if (by === undefined || others.length > 0) {
      throw new OtpError('request_invalid', 'Ask for one of "phone", "account" and "challengeId".');
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
        `"challengeId" must be a UUID, "since" and "until" dates, "before" an id, "limit" from 1 to ${MAX_LIMIT}.`,
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
