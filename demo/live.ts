import type { MessageEvent } from '@nestjs/common';
import { type Observable, Subject } from 'rxjs';

/** Live events of the vendor. */
export class Live {
  readonly #events = new Subject<MessageEvent>();

  get events(): Observable<MessageEvent> {
    return this.#events;
  }

  publish(type: 'message' | 'exchange' | 'vendors', data: object): void {
    this.#events.next({ type, data });
  }
}
