import { randomUUID } from 'node:crypto';

import { OtpError, type OtpErrorCode } from '../errors/otp.error.js';
import type { StartedChallenge } from '../challenges/otp.requests.js';

/** RFC 9457 problem details. */
export interface Problem {
  /** URN of the problem type. */
  type: string;
  /** Reason phrase of the status. */
  title: string;
  /** HTTP status. */
  status: number;
  /** Stable code: an `OtpErrorCode` or, for errors of other origin, a name of the status such as `not_found`. */
  code: string;
  /** What is wrong, for developers. */
  detail?: string;
  /** Wait in seconds; same value as the `Retry-After` header. */
  retryAfter?: number;
  /** Purpose of the required code. */
  purpose?: string;
  /** This and the following fields: the started step-up, as `OtpService.start` returns it. */
  challenge?: string;
  phone?: string;
  expiresAt?: Date;
  resendAt?: Date;
  codeLength?: number;
  /** Identifies an unexpected error; the log contains the same id. */
  correlationId?: string;
}

const STATUS: Record<OtpErrorCode, number> = {
  request_invalid: 400,
  phone_invalid: 400,
  phone_not_supported: 400,
  purpose_refused: 400,
  sign_in_required: 401,
  code_malformed: 400,
  otp_invalid: 400,
  otp_unavailable: 400,
  recovery_code_invalid: 400,
  otp_too_soon: 429,
  locked_out: 429,
  too_many_requests: 429,
  grant_required: 401,
  grant_invalid: 401,
  insufficient_user_authentication: 401,
  other_factor_needed: 403,
  bot_check_failed: 403,
  phone_missing: 403,
  phone_on_hold: 403,
  phone_unconfirmed: 403,
  phone_already_activated: 409,
  send_unavailable: 503,
  service_unavailable: 503,
};

const TITLES: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

/** Authentication schemes; a 401 must name one (RFC 9110 §11.6.1). */
const CHALLENGES: Partial<Record<OtpErrorCode, string>> = {
  sign_in_required: 'Bearer',
  grant_required: 'OTP-Grant',
  grant_invalid: 'OTP-Grant',
};

/** RFC 9470: the token is valid, but the call needs a step-up. `maxAgeSeconds`: maximum age of the proof when it is used. */
export function stepUpProblem(
  purpose: string,
  maxAgeSeconds: number,
  started?: StartedChallenge,
): { problem: Problem; headers: Record<string, string> } {
  const code = 'insufficient_user_authentication' satisfies OtpErrorCode;
  const detail = 'This call needs a code. Verify it, then call again with its grant in the header OTP-Grant.';
  const authenticate = `Bearer error="${code}", error_description="${detail}", acr_values="otp", max_age="${maxAgeSeconds}"`;
  return {
    problem: { ...base(STATUS[code], code), detail, purpose, ...started },
    headers: { 'WWW-Authenticate': authenticate },
  };
}

/** The public form of an error, with its headers. */
export function problemOf(error: unknown): { problem: Problem; headers: Record<string, string> } {
  if (error instanceof OtpError) {
    const { code, message, retryAfterSeconds } = error;
    const wait = retryAfterSeconds === undefined ? {} : { retryAfter: retryAfterSeconds };
    const challenge = CHALLENGES[code];
    return {
      problem: { ...base(STATUS[code], code), detail: message, ...wait },
      headers: {
        ...(retryAfterSeconds !== undefined && { 'Retry-After': String(retryAfterSeconds) }),
        ...(challenge && { 'WWW-Authenticate': challenge }),
      },
    };
  }
  const status = foreignStatus(error);
  if (status < 500) return { problem: base(status, nameOf(status)), headers: {} };
  // The message may contain anything, so it goes to the log only.
  return { problem: { ...base(status, nameOf(status)), correlationId: randomUUID() }, headers: {} };
}

/** The status of a Nest `HttpException` or of a platform error, such as a body parser's; 500 for everything else. */
function foreignStatus(error: unknown): number {
  const { getStatus, statusCode, status } = (error ?? {}) as {
    getStatus?: () => number;
    statusCode?: number;
    status?: number;
  };
  const found = typeof getStatus === 'function' ? getStatus.call(error) : (statusCode ?? status);
  return typeof found === 'number' && found >= 400 && found < 600 ? found : 500;
}

function base(status: number, code: string): Problem {
  return { type: `urn:nestjs-phone-otp:problem:${code}`, title: TITLES[status] ?? 'Error', status, code };
}

function nameOf(status: number): string {
  if (status === 400 || status === 422) return 'request_invalid';
  return (TITLES[status] ?? `status ${status}`).toLowerCase().replaceAll(' ', '_');
}
