import { requireText } from '../errors/input.js';
import type { KeyedHash } from '../crypto/keyed-hash.js';
import { OtpError } from '../errors/otp.error.js';
import type { PurposeRules } from '../config/purposes.js';

interface SignedIn {
  subject?: string;
  session?: string;
}

/**
 * Computes what a challenge and its grant are bound to: the account and its session. Null if no account is signed in: before
 * an account exists, and during a login, where the holder of the handle may answer.
 */
export type SessionBinding = (rules: PurposeRules | undefined, signedIn: SignedIn) => Buffer | null;

export function sessionBinding(hash: KeyedHash): SessionBinding {
  return (rules, { subject, session }) => {
    if (subject === undefined) {
      if (session === undefined) return null;
      throw new OtpError('request_invalid', '"session" needs a "subject": pass both.');
    }
    const account = requireText('subject', subject);
    const login = session === undefined ? '' : requireText('session', session);
    return rules?.startedBy === 'login' ? null : hash.of('session', account, login);
  };
}
