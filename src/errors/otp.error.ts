/**
 * The codes of every error that this package throws at run time. Codes are API: match on them, never on the message.
 *
 * | code | cause | remedy |
 * | --- | --- | --- |
 * | `request_invalid` | a field is missing, unknown, or of the wrong type | correct the request |
 * | `phone_invalid` | the input is not a complete phone number | correct the number |
 * | `phone_not_supported` | the number is valid, but its region or line type is not served | use another number |
 * | `purpose_refused` | this purpose cannot be started this way | see the purpose's `startedBy` |
 * | `sign_in_required` | the purpose belongs to a signed-in account | sign in first |
 * | `code_malformed` | the typed text does not have the form of a code; no attempt was spent | type it again |
 * | `otp_invalid` | the code is wrong; attempts remain | type it again |
 * | `otp_unavailable` | the challenge is unknown, expired, used, locked, replaced, or belongs to another client | start again |
 * | `recovery_code_invalid` | the recovery code is wrong, used, or from a replaced set | type it again, or use another |
 * | `otp_too_soon` | a limit on sending is used up | wait `retryAfterSeconds` |
 * | `locked_out` | too many wrong codes for this subject | wait `retryAfterSeconds` |
 * | `too_many_requests` | too many requests from this client address | wait `retryAfterSeconds` |
 * | `grant_required` | the call needs a grant but has none | verify a code first |
 * | `grant_invalid` | the grant is unknown, used, expired, or issued for something else | verify a code again |
 * | `insufficient_user_authentication` | the call needs a code first; the response contains the challenge | verify the code, then call again with the grant |
 * | `other_factor_needed` | a code by SMS is not enough here | prove another factor as well |
 * | `bot_check_failed` | human verification failed | pass the check and call again |
 * | `phone_missing` | the account has no verified number to send a code to | verify a number first |
 * | `phone_on_hold` | the number was changed recently and cannot confirm this yet | wait `retryAfterSeconds`, or use another factor |
 * | `phone_unconfirmed` | the number was not proved for a long time | prove it again with purpose `verify_number` |
 * | `phone_already_activated` | the number belongs to another account | log in with that account |
 * | `send_unavailable` | no message can be sent right now | try again later |
 * | `service_unavailable` | the database or the application did not answer | try again later |
 */
export const OTP_ERROR_CODES = [
  'request_invalid',
  'phone_invalid',
  'phone_not_supported',
  'purpose_refused',
  'sign_in_required',
  'code_malformed',
  'otp_invalid',
  'otp_unavailable',
  'recovery_code_invalid',
  'otp_too_soon',
  'locked_out',
  'too_many_requests',
  'grant_required',
  'grant_invalid',
  'insufficient_user_authentication',
  'other_factor_needed',
  'bot_check_failed',
  'phone_missing',
  'phone_on_hold',
  'phone_unconfirmed',
  'phone_already_activated',
  'send_unavailable',
  'service_unavailable',
] as const;

/** One of {@link OTP_ERROR_CODES}. */
export type OtpErrorCode = (typeof OTP_ERROR_CODES)[number];

/** Optional fields of an {@link OtpError}. */
export interface OtpErrorOptions {
  /** Time until the same call can succeed, in whole seconds, at least 1. */
  retryAfterSeconds?: number;
  /** The underlying error, free of secrets, phone numbers and SQL parameters. */
  cause?: unknown;
}

/** The only error this package throws at run time. `message` is for people and may change; `code` is stable. */
export class OtpError extends Error {
  override readonly name = 'OtpError';
  readonly retryAfterSeconds?: number;

  constructor(
    readonly code: OtpErrorCode,
    message: string,
    { retryAfterSeconds, cause }: OtpErrorOptions = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    if (retryAfterSeconds !== undefined) this.retryAfterSeconds = Math.max(1, Math.ceil(retryAfterSeconds));
  }
}

/** A configuration error that prevents the application from starting. The message names the option and the remedy. */
export class OtpConfigError extends Error {
  override readonly name = 'OtpConfigError';
}
