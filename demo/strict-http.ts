import { ValidationPipe } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { ServerResponse } from 'node:http';
import { OtpError } from 'nestjs-phone-otp';

/** Accepts small JSON bodies only, prevents caching, and hides the server's name. */
export function setUpHttp(app: NestExpressApplication): void {
  app.disable('x-powered-by');
  app.use((_request: unknown, response: ServerResponse, next: () => void) => {
    response.setHeader('Cache-Control', 'no-store');
    next();
  });
  app.useBodyParser('json', { limit: '10kb' });
}

/** Refuses unknown fields. The answer names only fields of the route and repeats no input. */
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
