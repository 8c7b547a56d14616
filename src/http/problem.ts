import { randomUUID } from 'node:crypto';

import { OtpError, type OtpErrorCode } from '../errors/otp.error.js';
import type { StartedChallenge } from '../challenges/otp.requests.js';

/** RFC 9457 problem details. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  /** Stable: an `OtpErrorCode`, or for errors that are not this module's a name of the status such as `not_found`. */
  code: string;
  detail?: string;
  /** Seconds; the same as the `Retry-After` header. */
  retryAfter?: number;
  /** What the code that is asked for is for. */
  purpose?: string;
  /** Of a step-up that was begun: as `OtpService.start` answers. */
  challenge?: string;
  phone?: string;
  expiresAt?: Date;
  resendAt?: Date;
  codeLength?: number;
  /** Also in the log, for an error nobody expected. */
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

/** The scheme that a 401 must name (RFC 9110 §11.6.1). */
const CHALLENGES: Partial<Record<OtpErrorCode, string>> = {
  sign_in_required: 'Bearer',
  grant_required: 'OTP-Grant',
  grant_invalid: 'OTP-Grant',
};

/** RFC 9470: the token is good, but more is needed. `maxAgeSeconds`: how old the proof may be when it is used. */
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

/** What an error looks like from outside, and the headers that go with it. */
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
  // Whatever it says is for the log: its message may quote anything.
  return { problem: { ...base(status, nameOf(status)), correlationId: randomUUID() }, headers: {} };
}

/** The status of an `HttpException` of Nest, or of an error of the platform's own parsers; 500 for everything else. */
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
