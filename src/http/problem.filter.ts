import { type ArgumentsHost, Catch, type ExceptionFilter, Injectable, Logger } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';

import { ProblemException, problemException } from './problem.exception.js';

/**
 * Returns every error as `application/problem+json` (RFC 9457) with a stable `code`; over GraphQL the problem is in
 * `errors[0].extensions`. The module's own routes and decorators use it. Put `@UseFilters(OtpProblemFilter)` on handlers that
 * call `OtpService`, or register it as the application's global filter.
 * An unexpected error becomes a bare 500 with a correlation id, which is also in the log.
 */
@Catch()
@Injectable()
export class OtpProblemFilter implements ExceptionFilter {
  readonly #logger = new Logger('Otp');

  constructor(private readonly host: HttpAdapterHost) {}

  catch(error: unknown, context: ArgumentsHost): ProblemException | void {
    const exception = problemException(error);
    const { problem, headers } = exception;
    if (problem.correlationId) {
      const unexpected = error instanceof ProblemException ? error.cause : error;
      this.#logger.error(
        `unexpected error, correlation id ${problem.correlationId}`,
        (unexpected as Error | undefined)?.stack,
      );
    }
    if (context.getType<string>() !== 'http') return exception; // the GraphQL server writes the response

    const { httpAdapter } = this.host;
    const response: unknown = context.switchToHttp().getResponse();
    if (httpAdapter.isHeadersSent(response)) return;
    for (const [name, value] of Object.entries({ ...headers, 'Cache-Control': 'no-store' })) {
      httpAdapter.setHeader(response, name, value);
    }
    httpAdapter.setHeader(response, 'Content-Type', 'application/problem+json; charset=utf-8');
    // A string, because for an object Express under Nest 11 resets the content type to application/json.
    httpAdapter.reply(response, JSON.stringify(problem), problem.status);
  }
}
