import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { CookieOptions, Response } from 'express';

/**
 * With this prefix, browsers accept the cookie from this host only, over TLS or on localhost (RFC 6265bis §4.1.3.2).
 */
const NAME = '__Host-device';
const OPTIONS: CookieOptions = { httpOnly: true, secure: true, sameSite: 'strict', path: '/' };

/** Returns the trusted-device token of a request, if any. */
export const DeviceCookie = createParamDecorator((_: unknown, context: ExecutionContext): string | undefined => {
  const { headers } = context.switchToHttp().getRequest<{ headers: { cookie?: string } }>();
  const cookies = headers.cookie?.split(/; */) ?? [];
  return cookies.find((cookie) => cookie.startsWith(`${NAME}=`))?.slice(NAME.length + 1);
});

/** Sets the cookie with the newest token of a device. */
export interface DeviceToKeep {
  token: string;
  expiresAt: Date;
}

export function keepDevice(response: Response, { token, expiresAt }: DeviceToKeep): void {
  response.cookie(NAME, token, { ...OPTIONS, expires: expiresAt });
}
