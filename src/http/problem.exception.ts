import { type ExecutionContext, HttpException } from '@nestjs/common';
import type { AbstractHttpAdapter } from '@nestjs/core';

import { OTP_FIGURES } from '../config/options.js';
import type { StartedChallenge } from '../challenges/otp.requests.js';
import { type Problem, problemOf, stepUpProblem } from './problem.js';

/**
 * A refusal in the shape that Nest answers rightly by itself: guards throw it, so that they refuse with the right status
 * and body whatever filters the host has. GraphQL shows the problem as `errors[0].extensions`.
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
 * The 401 of RFC 9470: a code must be verified first. `@StepUp` throws it by itself; a host that starts the challenge
 * itself throws it with what `OtpService.start` answered, as at a login by password whose second factor is the phone.
 * @param maxAgeSeconds how old the proof may be when it is used: the option `grantTtlSeconds`, if you set it
 */
export function stepUpRequired(
  purpose: string,
  started?: StartedChallenge,
  maxAgeSeconds: number = OTP_FIGURES.grantTtlSeconds.default,
): ProblemException {
  const { problem, headers } = stepUpProblem(purpose, maxAgeSeconds, started);
  return new ProblemException(problem, headers);
}

/** What a port of the host refuses with: its words are meant for the caller. */
export function refusedByHost(exception: HttpException): ProblemException {
  const { problem, headers } = problemOf(exception);
  return new ProblemException({ ...problem, detail: exception.message }, headers, exception);
}

/** What a guard throws: over HTTP its headers are on the response already, in case no filter of ours sees it. */
export function refusal(error: unknown, context: ExecutionContext, adapter: AbstractHttpAdapter): ProblemException {
  const exception = problemException(error);
  if (context.getType() === 'http') {
    const response: unknown = context.switchToHttp().getResponse();
    for (const [name, value] of Object.entries(exception.headers)) adapter.setHeader(response, name, value);
  }
  return exception;
}
