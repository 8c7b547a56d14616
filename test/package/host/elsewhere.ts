// An application with the less common set-up: its own tables and the package's are in two data sources, the options
// come from its configuration, and it speaks GraphQL. hosts.spec.ts runs it: node elsewhere.js <schema>
import 'reflect-metadata';
import { type ExecutionContext, Controller, Get, Injectable, Module, Param } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { NestFactory } from '@nestjs/core';
import { EventEmitterModule } from '@nestjs/event-emitter';
import { Args, GraphQLModule, Mutation, Query, Resolver } from '@nestjs/graphql';
import { MercuriusDriver, type MercuriusDriverConfig } from '@nestjs/mercurius';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { InjectDataSource, InjectRepository, TypeOrmModule } from '@nestjs/typeorm';
import {
  type Action,
  type Caller,
  Callers,
  OTP_MIGRATIONS,
  OtpModule,
  StepUp,
  StepUpAction,
  SteppedUp,
  StepUpGrant,
  VerifiedNumbers,
} from 'nestjs-phone-otp';
import { OtpRoutesModule } from 'nestjs-phone-otp/routes';
import { CapturingProvider } from 'nestjs-phone-otp/testing';
import { Column, DataSource, Entity, PrimaryGeneratedColumn, Repository } from 'typeorm';

const [schema] = process.argv.slice(2);
const sms = new CapturingProvider();

@Entity({ name: 'payments' })
class Payment {
  @PrimaryGeneratedColumn('identity')
  id!: number;

  @Column({ type: 'text' })
  payee!: string;
}

/** The action to confirm: the payment in the bank's own data source. */
@Injectable()
class PaymentAction extends StepUpAction {
  constructor(@InjectRepository(Payment) private readonly payments: Repository<Payment>) {
    super();
  }

  async load({ execution }: { execution: ExecutionContext }): Promise<Action> {
    const { id } = execution.getArgByIndex<{ id: string }>(1);
    const { payee } = await this.payments.findOneByOrFail({ id: Number(id) });
    return { id, amount: '250.00', currency: 'SAR', payee };
  }
}

@Resolver()
class PaymentsResolver {
  constructor(
    @InjectRepository(Payment) private readonly payments: Repository<Payment>,
    @InjectDataSource('codes') private readonly codes: DataSource,
    private readonly numbers: VerifiedNumbers,
  ) {}

  @Query(() => [String])
  async tables(): Promise<string[]> {
    const rows: { name: string }[] = await this.codes.query(
      `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = $1 ORDER BY 1`,
      [schema],
    );
    return rows.map(({ name }) => name);
  }

  @Mutation(() => String)
  register(@Args('grant') grant: string, @Args('name') name: string): Promise<string> {
    return this.codes.transaction(async (manager) => {
      const { owner } = await this.numbers.activate(grant, name, manager);
      return owner;
    });
  }

  @Mutation(() => String)
  async prepare(@Args('payee') payee: string): Promise<string> {
    return String((await this.payments.save({ payee })).id);
  }

  @Mutation(() => String)
  @StepUp('transaction', PaymentAction)
  pay(@Args('id') id: string, @SteppedUp() grant: StepUpGrant): string {
    return `${id} paid by ${grant.subject}`;
  }
}

@Controller()
class MessagesController {
  /** The messages on the owner's phone. */
  @Get('messages/:phone')
  messages(@Param('phone') phone: string): { code: string | undefined } {
    return { code: sms.lastCode(phone) };
  }
}

/** Trusts a header about who is signed in, as only a test may. */
class HeaderCallers extends Callers {
  async identify(request: { headers: Record<string, string | undefined> }): Promise<Caller | null> {
    const subject = request.headers['x-account'];
    return subject === undefined ? null : { subject };
  }
}

const database = { type: 'postgres', url: process.env.DATABASE_URL!, schema: schema!, autoLoadEntities: true } as const;

@Module({
  imports: [
    ConfigModule.forRoot({
      isGlobal: true,
      ignoreEnvFile: true,
      load: [() => ({ otp: { pepper: 'a-pepper-for-tests-only-0123456789-abcdefghij', regions: 'SA,NG' } })],
    }),
    TypeOrmModule.forRoot({ ...database, synchronize: true }),
    TypeOrmModule.forRoot({
      ...database,
      name: 'codes',
      entityPrefix: 'acme_',
      migrations: OTP_MIGRATIONS,
      migrationsTableName: 'codes_migrations',
      migrationsRun: true,
      extra: { statement_timeout: 5000 },
    }),
    TypeOrmModule.forFeature([Payment]),
    EventEmitterModule.forRoot(),
    GraphQLModule.forRoot<MercuriusDriverConfig>({ driver: MercuriusDriver, autoSchemaFile: true }),
    OtpModule.forRootAsync({
      isGlobal: true,
      dataSource: 'codes',
      inject: [ConfigService],
      useFactory: (config: ConfigService) => ({
        provider: sms,
        pepper: config.getOrThrow<string>('otp.pepper'),
        regions: config.getOrThrow<string>('otp.regions').split(',') as ['SA', 'NG'],
        appName: 'Acme',
        dailySendBudget: 100,
      }),
    }),
    OtpRoutesModule.register({ prefix: 'codes' }),
  ],
  controllers: [MessagesController],
  providers: [PaymentsResolver, PaymentAction, { provide: Callers, useClass: HeaderCallers }],
})
class AppModule {}

async function main(): Promise<void> {
  process.stdin.resume().once('close', () => process.exit()); // ends with its parent
  const app = await NestFactory.create(AppModule, new FastifyAdapter(), { logger: ['warn', 'error'] });
  await app.listen(0, '127.0.0.1');
  process.stdout.write(`${JSON.stringify({ plain: await app.getUrl() })}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${String((error as Error)?.stack ?? error)}\n`);
  process.exit(1);
});
