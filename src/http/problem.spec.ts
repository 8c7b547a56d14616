import { OTP_ERROR_CODES, OtpError } from '../errors/otp.error.js';
import { stepUpRequired } from './problem.exception.js';
import { problemOf } from './problem.js';

describe('problemOf', () => {
  it('SEC-33: maps each code to its documented status', () => {
    const table = OTP_ERROR_CODES.map((code) => `${code} ${problemOf(new OtpError(code, 'why')).problem.status}`);

    expect(table).toEqual([
      'request_invalid 400',
      'phone_invalid 400',
      'phone_not_supported 400',
      'purpose_refused 400',
      'sign_in_required 401',
      'code_malformed 400',
      'otp_invalid 400',
      'otp_unavailable 400',
      'recovery_code_invalid 400',
      'otp_too_soon 429',
      'locked_out 429',
      'too_many_requests 429',
      'grant_required 401',
      'grant_invalid 401',
      'insufficient_user_authentication 401',
      'other_factor_needed 403',
      'bot_check_failed 403',
      'phone_missing 403',
      'phone_on_hold 403',
      'phone_unconfirmed 403',
      'phone_already_activated 409',
      'send_unavailable 503',
      'service_unavailable 503',
    ]);
  });

  it.each([
    [0, '1'],
    [0.2, '1'],
    [59.01, '60'],
  ])('SEC-33: rounds a wait of %d s up to whole seconds, at least 1', (retryAfterSeconds, header) => {
    const { problem, headers } = problemOf(new OtpError('otp_too_soon', 'why', { retryAfterSeconds }));

    expect(headers['Retry-After']).toBe(header);
    expect(problem.retryAfter).toBe(Number(header));
  });

  it('names the authentication scheme of a 401', () => {
    expect(problemOf(new OtpError('sign_in_required', '')).headers['WWW-Authenticate']).toBe('Bearer');
    expect(problemOf(new OtpError('grant_required', '')).headers['WWW-Authenticate']).toBe('OTP-Grant');
  });

  it('never reveals the cause', () => {
    const error = new OtpError('service_unavailable', 'why', { cause: new Error('SELECT secret') });

    expect(JSON.stringify(problemOf(error))).not.toContain('SELECT');
  });

  it.each([
    ['an error', new Error('secret')],
    ['a string', 'secret'],
    ['undefined', undefined],
    ['null', null],
    ['an object', { message: 'secret' }],
    ['a status that is not an error', { status: 200, message: 'secret' }],
    ['a status as a string', { statusCode: '404', message: 'secret' }],
  ])('FLT-23: returns a bare 500 for %s', (_, thrown) => {
    const { problem, headers } = problemOf(thrown);

    expect(problem).toEqual({
      type: 'urn:nestjs-phone-otp:problem:internal_server_error',
      title: 'Internal Server Error',
      status: 500,
      code: 'internal_server_error',
      correlationId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(headers).toEqual({});
  });

  it('keeps the status of a platform error, but not its message', () => {
    const tooLarge = Object.assign(new Error('secret'), { statusCode: 413 });

    expect(problemOf(tooLarge).problem).toEqual({
      type: 'urn:nestjs-phone-otp:problem:content_too_large',
      title: 'Content Too Large',
      status: 413,
      code: 'content_too_large',
    });
  });
});

describe('stepUpRequired', () => {
  const started = {
    challenge: 'handle',
    phone: '+966*******78',
    expiresAt: new Date(300_000),
    resendAt: new Date(30_000),
    codeLength: 6,
  };

  it('SEC-38: builds the response of RFC 9470 with the challenge', () => {
    const exception = stepUpRequired('second_factor', started, 120);

    expect(exception.getStatus()).toBe(401);
    expect(exception.getResponse()).toMatchObject({
      status: 401,
      code: 'insufficient_user_authentication',
      purpose: 'second_factor',
      ...started,
    });
    expect(exception.headers['WWW-Authenticate']).toMatch(
      /^Bearer error="insufficient_user_authentication", .*, acr_values="otp", max_age="120"$/,
    );
  });

  it('defaults "max_age" to the default grant lifetime', () => {
    expect(stepUpRequired('second_factor').headers['WWW-Authenticate']).toMatch(/max_age="300"$/);
  });
});
