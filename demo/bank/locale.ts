import { createParamDecorator, type ExecutionContext } from '@nestjs/common';

/** The client's preferred language (BCP 47), for messages that the bank itself sends. */
export const AskedLocale = createParamDecorator((_: unknown, context: ExecutionContext): string | undefined => {
  const { headers } = context.switchToHttp().getRequest<{ headers: { 'accept-language'?: string } }>();
  return headers['accept-language']?.split(/[,;]/, 1)[0];
});
