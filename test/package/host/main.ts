// A typical application. hosts.spec.ts copies this file beside an installed package, compiles it there for Nest 12 as
// ESM and for Nest 11 as CommonJS, and runs it: node main.js <express | fastify> <schema>
import 'reflect-metadata';
import {
  type ArgumentsHost,
  Body,
  Catch,
  Controller,
  type ExceptionFilter,
  Get,
  Headers,
  Module,
  Param,
  Post,
  UseFilters,
  UseGuards,
} from '@nestjs/common';
import { HttpAdapterHost, NestFactory } from '@nestjs/core';
import { EventEmitterModule, OnEvent } from '@nestjs/event-emitter';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { TypeOrmModule } from '@nestjs/typeorm';
import {
  type Caller,
  Callers,
  LoggedIn,
  OTP_MIGRATIONS,
  type OtpEvents,
  OtpModule,
  OtpProblemFilter,
  PhoneLogin,
  PhoneLoginGuard,
  type PhoneLoginResult,
  StepUp,
  SteppedUp,
  StepUpGrant,
  VerifiedNumbers,
} from 'nestjs-phone-otp';
import { OtpRoutesModule } from 'nestjs-phone-otp/routes';
import { CapturingProvider } from 'nestjs-phone-otp/testing';
import { DataSource } from 'typeorm';

const [platform, schema] = process.argv.slice(2);
const sms = new CapturingProvider();
const refusals: string[] = [];

@Controller()
class HostController {
  constructor(
    private readonly dataSource: DataSource,
    private readonly numbers: VerifiedNumbers,
  ) {}

  /** The messages on the owner's phone. */
  @Get('messages/:phone')
  messages(@Param('phone') phone: string): { code: string | undefined } {
    return { code: sms.lastCode(phone) };
  }

  @Post('register')
  @UseFilters(OtpProblemFilter)
  register(@Headers('otp-grant') grant: string, @Body() { name }: { name: string }) {
    return this.dataSource.transaction((manager) => this.numbers.activate(grant, name, manager));
  }

  @Post('login')
  @PhoneLogin()
  login(@LoggedIn() { account, amr }: PhoneLoginResult) {
    return { account, amr };
  }

  /** Without a filter of the package. */
  @Post('bare-login')
  @UseGuards(PhoneLoginGuard)
  bareLogin(): void {}

  @Post('close')
  @StepUp('close_account')
  close(@SteppedUp() grant: StepUpGrant) {
    return { closed: grant.subject };
  }

  /** Ends every wait. */
  @Post('later')
  async later(): Promise<object> {
    return this.dataSource.query(`DELETE FROM ${schema}.otp_send_counters`);
  }

  @Get('owners/:phone')
  async owner(@Param('phone') phone: string): Promise<{ owner: string | null }> {
    return { owner: await this.numbers.ownerOf(phone) };
  }

  @Get('refusals')
  refusals(): string[] {
    return refusals;
  }

  @Get('broken')
  broken(): never {
    throw new Error('the host is broken');
  }

  @OnEvent('otp.refused')
  onRefused({ reason }: OtpEvents['otp.refused']): void {
    refusals.push(reason);
  }
}

/** Trusts a header about who is signed in, as only a test may. */
class HeaderCallers extends Callers {
  async identify(request: { headers: Record<string, string | undefined> }): Promise<Caller | null> {
    const subject = request.headers['x-account'];
    return subject === undefined ? null : { subject };
  }
}

@Module({
  imports: [
    TypeOrmModule.forRoot({
      type: 'postgres',
      url: process.env.DATABASE_URL!,
      schema: schema!,
      autoLoadEntities: true,
      migrations: OTP_MIGRATIONS,
      migrationsRun: true,
      extra: { statement_timeout: 5000 },
    }),
    EventEmitterModule.forRoot(),
    OtpModule.forRoot(sms, {
      isGlobal: true,
      pepper: 'a-pepper-for-tests-only-0123456789-abcdefghij',
      regions: ['SA'],
      appName: 'Acme',
      dailySendBudget: 100,
      purposes: { close_account: {} },
    }),
    OtpRoutesModule.register({ prefix: 'otp' }),
  ],
  controllers: [HostController],
  providers: [{ provide: Callers, useClass: HeaderCallers }],
})
class AppModule {}

/** Answers every error in the host's own format. */
@Catch()
class Envelope implements ExceptionFilter {
  constructor(private readonly host: HttpAdapterHost) {}

  catch(_error: unknown, context: ArgumentsHost): void {
    this.host.httpAdapter.reply(context.switchToHttp().getResponse(), { envelope: 'of the host' }, 500);
  }
}

async function serve(envelope: boolean): Promise<string> {
  const adapter = platform === 'fastify' ? new FastifyAdapter() : new ExpressAdapter();
  const app = await NestFactory.create(AppModule, adapter, { logger: ['warn', 'error'] });
  if (envelope) app.useGlobalFilters(new Envelope(app.get(HttpAdapterHost)));
  await app.listen(0, '127.0.0.1');
  return app.getUrl();
}

async function main(): Promise<void> {
  process.stdin.resume().once('close', () => process.exit()); // ends with its parent
  const plain = await serve(false);
  const withEnvelope = await serve(true);
  process.stdout.write(`${JSON.stringify({ plain, withEnvelope })}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${String((error as Error)?.stack ?? error)}\n`);
  process.exit(1);
});
