import { randomUUID } from 'node:crypto';

import {
  Body,
  ConflictException,
  Controller,
  Headers,
  Injectable,
  Module,
  NotFoundException,
  Param,
  Post,
} from '@nestjs/common';
import {
  type Action,
  OtpModule,
  StepUp,
  StepUpAction,
  type StepUpCall,
  SteppedUp,
  type StepUpGrant,
} from 'nestjs-phone-otp';
import { DataSource, type EntityManager } from 'typeorm';

import { database, Inbox, options, routes, serve, sms } from '../support/example.js';
import { Sessions, SignIn } from '../support/sign-in.js';

@Injectable()
class Transfers {
  constructor(private readonly dataSource: DataSource) {}

  async onModuleInit(): Promise<void> {
    await this.dataSource.query(
      `CREATE TABLE IF NOT EXISTS transfers (id uuid PRIMARY KEY, owner text NOT NULL, amount numeric(18, 2) NOT NULL,
         currency text NOT NULL, payee text NOT NULL, executed_at timestamptz)`,
    );
  }

  async prepare(owner: string, { amount, currency, payee }: Omit<Action, 'id'>): Promise<{ id: string }> {
    const id = randomUUID();
    const values = [id, owner, amount, currency, payee];
    await this.dataSource.query('INSERT INTO transfers VALUES ($1, $2, $3, $4, $5)', values);
    return { id };
  }

  /** Returns the stored transfer in the words of the message. @throws 404, 409 */
  async pending(id: string, owner: string, manager = this.dataSource.manager, lock = ''): Promise<Action> {
    const [found] = await manager.query(`SELECT * FROM transfers WHERE id = $1 AND owner = $2 ${lock}`, [id, owner]);
    if (!found) throw new NotFoundException('There is no such transfer.');
    if (found.executed_at) throw new ConflictException('This transfer is already executed.');
    return { id, amount: found.amount, currency: found.currency, payee: found.payee };
  }

  async change(id: string, owner: string, payee: string): Promise<void> {
    await this.dataSource.query('UPDATE transfers SET payee = $3 WHERE id = $1 AND owner = $2', [id, owner, payee]);
  }

  async execute(id: string, manager: EntityManager): Promise<void> {
    await manager.query('UPDATE transfers SET executed_at = now() WHERE id = $1', [id]);
  }
}

/** What a call to `/transfers/:id/confirm` confirms. */
@Injectable()
class TransferAction extends StepUpAction {
  constructor(private readonly transfers: Transfers) {
    super();
  }

  override load({ request, caller }: StepUpCall): Promise<Action> {
    return this.transfers.pending(request.params.id, caller.subject);
  }
}

@Controller('transfers')
class TransfersController {
  constructor(
    private readonly dataSource: DataSource,
    private readonly transfers: Transfers,
    private readonly sessions: Sessions,
  ) {}

  @Post()
  prepare(@Body() order: Omit<Action, 'id'>, @Headers() headers: { authorization?: string }) {
    return this.transfers.prepare(this.#owner(headers), order);
  }

  @Post(':id/payee')
  change(
    @Param('id') id: string,
    @Body() { payee }: { payee: string },
    @Headers() headers: { authorization?: string },
  ) {
    return this.transfers.change(id, this.#owner(headers), payee);
  }

  @Post(':id/confirm')
  @StepUp('transaction', TransferAction, { consume: 'handler' })
  async confirm(@Param('id') id: string, @SteppedUp() grant: StepUpGrant) {
    await this.dataSource.transaction(async (manager) => {
      const transfer = await this.transfers.pending(id, grant.subject, manager, 'FOR UPDATE');
      await grant.consume(manager, transfer); // commits with the transfer, or not at all
      await this.transfers.execute(id, manager);
    });
    return { status: 'executed' };
  }

  #owner(headers: { authorization?: string }): string {
    const owner = this.sessions.accountOf({ headers });
    if (owner === undefined) throw new NotFoundException();
    return owner;
  }
}

@Module({
  imports: [database, routes, OtpModule.forRoot(sms, options), Inbox, SignIn],
  controllers: [TransfersController],
  providers: [Transfers, TransferAction],
})
class AppModule {}

await serve(AppModule, (otp) => otp.activate('+966512345678', 'sara'));
