import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { mergeMap, type Observable } from 'rxjs';

import { grantOf } from './step-up.metadata.js';

/** Finds the handler that was to use its grant and did not, which would leave it good for a second time. */
@Injectable()
export class StepUpInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const grant = grantOf(context);
    const where = `${context.getClass().name}.${context.getHandler().name}`;
    return next.handle().pipe(
      mergeMap(async (answer: unknown) => {
        if (!grant || grant.proof) return answer;
        await grant.consume().catch(() => undefined);
        throw new Error(`${where} must call "consume()" of its StepUpGrant: its @StepUp says consume: 'handler'.`);
      }),
    );
  }
}
