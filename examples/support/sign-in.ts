import { randomUUID } from 'node:crypto';

import { Body, Controller, Injectable, Module, Post } from '@nestjs/common';
import { type Caller, Callers } from 'nestjs-phone-otp';

/** Access tokens in memory. Store yours in a database, or sign them. */
@Injectable()
export class Sessions {
  readonly #accounts = new Map<string, string>();

  open(account: string): string {
    const token = randomUUID();
    this.#accounts.set(token, account);
    return token;
  }

  accountOf(request: { headers: { authorization?: string } }): string | undefined {
    return this.#accounts.get(request.headers.authorization?.replace(/^Bearer /, '') ?? '');
  }

  endAll(account: string): void {
    for (const [token, owner] of this.#accounts) if (owner === account) this.#accounts.delete(token);
  }
}

/** Tells the package's routes and `@StepUp` who is signed in. */
@Injectable()
class SessionCallers extends Callers {
  constructor(private readonly sessions: Sessions) {
    super();
  }

  override async identify(request: { headers: { authorization?: string } }): Promise<Caller | null> {
    const subject = this.sessions.accountOf(request);
    return subject === undefined ? null : { subject };
  }
}

/** Stands in for the application's own login, where login is not the topic. */
@Controller('sign-in')
class SignInController {
  constructor(private readonly sessions: Sessions) {}

  @Post()
  signIn(@Body() { account }: { account: string }): { accessToken: string } {
    return { accessToken: this.sessions.open(account) };
  }
}

@Module({
  controllers: [SignInController],
  providers: [Sessions, { provide: Callers, useClass: SessionCallers }],
  exports: [Sessions],
})
export class SignIn {}
