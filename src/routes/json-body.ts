import {
  type CanActivate,
  type ExecutionContext,
  Injectable,
  PayloadTooLargeException,
  UnsupportedMediaTypeException,
  ValidationPipe,
} from '@nestjs/common';
import { HttpAdapterHost, ModuleRef } from '@nestjs/core';

import { OtpError } from '../errors/otp.error.js';
import type { OtpSettings } from '../config/options.js';
import { partOfModule } from '../http/part-of-module.js';
import { SETTINGS } from '../http/tokens.js';

interface IncomingRequest {
  headers: Record<string, string | undefined>;
  body: unknown;
  /** Bytes of the body, if the host created its application with `rawBody: true`. */
  rawBody?: Buffer;
}

/** Unknown fields that class-transformer skips, so the pipe would not see them. */
const SKIPPED_FIELDS = ['__proto__', 'constructor'];

/** Admits only JSON of limited size, and disables caching of responses. */
@Injectable()
export class JsonOnlyGuard implements CanActivate {
  constructor(
    private readonly modules: ModuleRef,
    private readonly host: HttpAdapterHost,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    const http = context.switchToHttp();
    this.host.httpAdapter.setHeader(http.getResponse(), 'Cache-Control', 'no-store');
    const { headers, body, rawBody } = http.getRequest<IncomingRequest>();
    if (!/^application\/json(\s*;|$)/i.test(headers['content-type'] ?? '')) throw new UnsupportedMediaTypeException();
    if (Number(headers['content-length'] ?? 0) > this.#settings.maxBodyBytes) throw new PayloadTooLargeException();
    if (SKIPPED_FIELDS.some((name) => Object.hasOwn(Object(body) as object, name))) throw bodyRefused(UNKNOWN_FIELD);
    if (rawBody && hasEqualKeys(rawBody.toString())) throw bodyRefused('It contains a field twice.');
    return true;
  }

  get #settings(): OtpSettings {
    return partOfModule<OtpSettings>(this.modules, SETTINGS, 'OtpRoutesModule');
  }
}

/** Whether valid JSON contains a key twice (RFC 8259 §4): a gateway in front may have read the other value. */
function hasEqualKeys(json: string): boolean {
  // In JSON, exactly the strings before a colon are keys. Nested objects are refused anyway.
  const keys = [...json.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?/g)].flatMap(([, text, colon]) =>
    colon === undefined ? [] : [JSON.parse(text!) as string],
  );
  return new Set(keys).size < keys.length;
}

/** Refuses bodies with missing, mistyped or unknown fields. It converts no values and repeats no input. */
export const bodyPipe = new ValidationPipe({
  whitelist: true,
  forbidNonWhitelisted: true,
  forbidUnknownValues: true,
  stopAtFirstError: true,
  validationError: { target: false, value: false },
  exceptionFactory: (errors) => {
    const known = errors.filter(({ constraints }) => !constraints?.whitelistValidation).map(({ property }) => property);
    return bodyRefused(known.length > 0 ? `Check ${known.map((name) => `"${name}"`).join(', ')}.` : UNKNOWN_FIELD);
  },
});

const UNKNOWN_FIELD = 'It contains an unknown field.';

function bodyRefused(why: string): OtpError {
  return new OtpError('request_invalid', `The body is not valid for this route. ${why}`);
}
