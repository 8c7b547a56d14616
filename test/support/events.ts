import type { INestApplication } from '@nestjs/common';
import { EventEmitter2 } from '@nestjs/event-emitter';
import type { OtpEventName, OtpEvents } from 'nestjs-phone-otp';

/** Records all events of the module, in order. The application must import `EventEmitterModule.forRoot()`. */
export class EventLog {
  readonly all: { name: string; payload: unknown }[] = [];

  constructor(app: INestApplication) {
    app.get(EventEmitter2).onAny((name, payload) => this.all.push({ name: String(name), payload }));
  }

  of<N extends OtpEventName>(name: N): OtpEvents[N][] {
    return this.all.filter((event) => event.name === name).map(({ payload }) => payload as OtpEvents[N]);
  }

  clear(): void {
    this.all.length = 0;
  }
}
