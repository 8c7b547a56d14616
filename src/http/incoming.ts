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
  // Works for Apollo and Mercurius. Read by position, so that @nestjs/graphql is not required.
  const request = type === 'graphql' ? context.getArgByIndex<{ req?: IncomingRequest }>(2)?.req : undefined;
  if (request) return request;
  throw new OtpConfigError(
    'The guards of nestjs-phone-otp support HTTP and GraphQL only: for GraphQL, add the request as "req" to its "context".',
  );
}

/** Whether a call may change data, and so may start a step-up. */
export function isUnsafe(context: ExecutionContext, { method }: IncomingRequest): boolean {
  if (context.getType<string>() !== 'graphql') return !['GET', 'HEAD', 'OPTIONS'].includes(method);
  const info = context.getArgByIndex<{ operation?: { operation?: string } } | undefined>(3);
  return info?.operation?.operation === 'mutation';
}

/** The value of a header, if it occurs exactly once. */
export function headerOf({ headers }: IncomingRequest, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}

/** Reads the address of a client: `HostAccounts`, with the host's own way. */
export interface AddressReader {
  addressOf(request: { ip?: string }): string;
}

/** The client for the limits: its address, and the token of its bot check. */
export function clientOf(request: IncomingRequest, accounts: AddressReader): { address: string; botToken?: string } {
  const botToken = headerOf(request, 'otp-bot-token');
  return { address: accounts.addressOf(request), ...(botToken && { botToken }) };
}
