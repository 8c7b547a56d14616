import { createParamDecorator, type ExecutionContext } from '@nestjs/common';

/** The language that the client likes best (BCP 47), for messages that the bank itself has sent. */
export const AskedLocale = createParamDecorator((_: unknown, context: ExecutionContext): string | undefined => {
  const { headers } = context.switchToHttp().getRequest<{ headers: { 'accept-language'?: string } }>();
  return headers['accept-language']?.split(/[,;]/, 1)[0];
});
