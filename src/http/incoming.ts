import type { ExecutionContext } from '@nestjs/common';

import { OtpConfigError } from '../errors/otp.error.js';

/** The part of a request that Express and Fastify share. */
export interface IncomingRequest {
  method: string;
  ip?: string;
  headers: Record<string, string | string[] | undefined>;
  body?: unknown;
}

/** The request behind a call over HTTP or GraphQL. */
export function requestOf(context: ExecutionContext): IncomingRequest {
  const type = context.getType<string>();
  if (type === 'http') return context.switchToHttp().getRequest<IncomingRequest>();
  // Apollo and Mercurius alike; asked for by place, so that @nestjs/graphql need not be there.
  const request = type === 'graphql' ? context.getArgByIndex<{ req?: IncomingRequest }>(2)?.req : undefined;
  if (request) return request;
  throw new OtpConfigError(
    'The guards of nestjs-phone-otp serve HTTP and GraphQL; GraphQL needs the request as "req" in its context.',
  );
}

/** Whether a call may change anything, and so may begin a step-up. */
export function isUnsafe(context: ExecutionContext, { method }: IncomingRequest): boolean {
  if (context.getType<string>() !== 'graphql') return !['GET', 'HEAD', 'OPTIONS'].includes(method);
  const info = context.getArgByIndex<{ operation?: { operation?: string } } | undefined>(3);
  return info?.operation?.operation === 'mutation';
}

/** What a header says, if it is there once. */
export function headerOf({ headers }: IncomingRequest, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}

/** Where a client is, for the limits: behind the proxies that the host named. And what its widget says for `BotCheck`. */
export function clientOf(request: IncomingRequest): { address: string; botToken?: string } {
  const botToken = headerOf(request, 'otp-bot-token');
  return { address: request.ip || 'unknown', ...(botToken && { botToken }) };
}
