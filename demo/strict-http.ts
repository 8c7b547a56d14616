import { ValidationPipe } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { ServerResponse } from 'node:http';
import { OtpError } from 'nestjs-phone-otp';

/** Small JSON bodies only, nothing kept in caches, nothing said about the server. */
export function setUpHttp(app: NestExpressApplication): void {
  app.disable('x-powered-by');
  app.use((_request: unknown, response: ServerResponse, next: () => void) => {
    response.setHeader('Cache-Control', 'no-store');
    next();
  });
  app.useBodyParser('json', { limit: '10kb' });
}

/** Refuses what a route does not ask for. The answer names fields of ours, and repeats nothing that came in. */
export const strictBody = new ValidationPipe({
  whitelist: true,
  forbidNonWhitelisted: true,
  forbidUnknownValues: true,
  stopAtFirstError: true,
  validationError: { target: false, value: false },
  exceptionFactory: (errors) => {
    const known = errors.filter(({ constraints }) => constraints && !constraints.whitelistValidation);
    const details = known.flatMap(({ constraints }) => Object.values(constraints!));
    return new OtpError(
      'request_invalid',
      details.length > 0 ? `${details.join('; ')}.` : 'There is an unknown field.',
    );
  },
});
