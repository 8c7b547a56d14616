import type { KeyedHash } from '../keyed-hash.js';
import { OtpError } from '../otp.error.js';

interface SignedIn {
  subject?: string;
  session?: string;
}

/** What a challenge and its grant are bound to: an account and its session, or null where nobody is signed in. */
export type SessionBinding = (signedIn: SignedIn) => Buffer | null;

export function sessionBinding(hash: KeyedHash): SessionBinding {
  return ({ subject, session }) => {
    if (subject === undefined) {
      if (session === undefined) return null;
      throw new OtpError('request_invalid', 'A "session" needs the "subject" it belongs to.');
    }
    return hash.of('session', text('subject', subject), text('session', session ?? ''));
  };
}

function text(field: string, value: unknown): string {
  // An empty subject would be everybody's: a look-up must never run with a missing criterion.
  if (typeof value === 'string' && value.length <= 256 && (value !== '' || field === 'session')) return value;
  throw new OtpError('request_invalid', `"${field}" must be a string of 1 to 256 characters.`);
}
