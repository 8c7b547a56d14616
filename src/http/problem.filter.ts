import { type ArgumentsHost, Catch, type ExceptionFilter, Injectable, Logger } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';

import { problemOf } from './problem.js';

/**
 * Answers every error as `application/problem+json` (RFC 9457) with a stable `code`. The module's own routes carry it;
 * put `@UseFilters(OtpProblemFilter)` on handlers that call `OtpService`, or make it the application's global filter.
 * An error that nobody expected becomes a bare 500 with a correlation id that the log repeats.
 */
@Catch()
@Injectable()
export class OtpProblemFilter implements ExceptionFilter {
  readonly #logger = new Logger('Otp');

  constructor(private readonly host: HttpAdapterHost) {}

  catch(error: unknown, context: ArgumentsHost): void {
    const { httpAdapter } = this.host;
    const response: unknown = context.switchToHttp().getResponse();
    const { problem, headers } = problemOf(error);
    if (problem.correlationId) {
      this.#logger.error(`unexpected error, correlation id ${problem.correlationId}`, (error as Error)?.stack);
    }
    if (httpAdapter.isHeadersSent(response)) return;
    for (const [name, value] of Object.entries({ ...headers, 'Cache-Control': 'no-store' })) {
      httpAdapter.setHeader(response, name, value);
    }
    httpAdapter.setHeader(response, 'Content-Type', 'application/problem+json; charset=utf-8');
    // As a string: given an object, Express under Nest 11 turns the content type back into application/json.
    httpAdapter.reply(response, JSON.stringify(problem), problem.status);
  }
}
