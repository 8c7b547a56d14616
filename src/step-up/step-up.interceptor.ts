import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { mergeMap, type Observable } from 'rxjs';

import { grantOf } from './step-up.metadata.js';

/** Detects a handler that did not use its grant, and uses the grant so that it cannot be replayed. */
@Injectable()
export class StepUpInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const grant = grantOf(context);
    const where = `${context.getClass().name}.${context.getHandler().name}`;
    return next.handle().pipe(
      mergeMap(async (answer: unknown) => {
        if (!grant || grant.proof) return answer;
        await grant.consume().catch(() => undefined);
        throw new Error(`${where} must call "StepUpGrant.consume()": its "@StepUp()" has consume: 'handler'.`);
      }),
    );
  }
}
