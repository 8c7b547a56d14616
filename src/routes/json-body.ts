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
  /** The bytes of the body, where the host's application was made with `rawBody: true`. */
  rawBody?: Buffer;
}

/** Unknown fields like any other, but class-transformer passes over them, so the pipe would not see them. */
const UNSEEN_FIELDS = ['__proto__', 'constructor'];

/** Lets only JSON of a sensible size in, and keeps every answer out of caches. */
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
    if (UNSEEN_FIELDS.some((name) => Object.hasOwn(Object(body) as object, name))) throw bodyRefused(UNKNOWN_FIELD);
    if (rawBody && hasEqualKeys(rawBody.toString())) throw bodyRefused('It holds a field twice.');
    return true;
  }

  get #settings(): OtpSettings {
    return partOfModule<OtpSettings>(this.modules, SETTINGS, 'OtpRoutesModule');
  }
}

/** Whether a text that was read as JSON names anything twice (RFC 8259 §4): whoever stands in front may have read the other one. */
function hasEqualKeys(json: string): boolean {
  // In JSON a string before a colon is a key, and nothing else is. Objects inside of objects are refused anyway.
  const keys = [...json.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?/g)].flatMap(([, text, colon]) =>
    colon === undefined ? [] : [JSON.parse(text!) as string],
  );
  return new Set(keys).size < keys.length;
}

/** Refuses bodies with missing, mistyped or unknown fields. Nothing is converted, and nothing of the input is repeated. */
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

const UNKNOWN_FIELD = 'It holds an unknown field.';

function bodyRefused(why: string): OtpError {
  return new OtpError('request_invalid', `The body does not fit this route. ${why}`);
}
