import { type ExecutionContext, HttpException } from '@nestjs/common';
import type { AbstractHttpAdapter } from '@nestjs/core';

import { OTP_FIGURES } from '../config/options.js';
import type { StartedChallenge } from '../challenges/otp.requests.js';
import { type Problem, problemOf, stepUpProblem } from './problem.js';

/**
 * A refusal as an `HttpException`. Guards throw it, so status and body are correct with any exception filters of the host.
 * GraphQL shows the problem as `errors[0].extensions`.
 */
export class ProblemException extends HttpException {
  readonly extensions: Problem;

  constructor(
    readonly problem: Problem,
    readonly headers: Readonly<Record<string, string>>,
    cause?: unknown,
  ) {
    super(problem, problem.status, { cause });
    this.message = problem.detail ?? problem.title;
    this.extensions = problem;
  }
}

export function problemException(error: unknown): ProblemException {
  if (error instanceof ProblemException) return error;
  const { problem, headers } = problemOf(error);
  return new ProblemException(problem, headers, error);
}

/**
 * The 401 of RFC 9470: the client must verify a code first. `@StepUp` throws it itself. If you start the challenge yourself,
 * throw it with the result of `OtpService.start`, for example when the phone is the second factor of a password login.
 * @param maxAgeSeconds maximum age of the proof when it is used, in seconds: pass the option `grantTtlSeconds` if you set it
 */
export function stepUpRequired(
  purpose: string,
  started?: StartedChallenge,
  maxAgeSeconds: number = OTP_FIGURES.grantTtlSeconds.default,
): ProblemException {
  const { problem, headers } = stepUpProblem(purpose, maxAgeSeconds, started);
  return new ProblemException(problem, headers);
}

/** Converts an `HttpException` of a host port. Its message is meant for the caller, so it is kept. */
export function refusedByHost(exception: HttpException): ProblemException {
  const { problem, headers } = problemOf(exception);
  return new ProblemException({ ...problem, detail: exception.message }, headers, exception);
}

/** Converts an error for a guard to throw. Over HTTP it also sets the headers, in case no filter of this module runs. */
export function refusal(error: unknown, context: ExecutionContext, adapter: AbstractHttpAdapter): ProblemException {
  const exception = problemException(error);
  if (context.getType() === 'http') {
    const response: unknown = context.switchToHttp().getResponse();
    for (const [name, value] of Object.entries(exception.headers)) adapter.setHeader(response, name, value);
  }
  return exception;
}
