import {
  ConflictException,
  Controller,
  Get,
  HttpCode,
  Injectable,
  NotFoundException,
  Param,
  Post,
} from '@nestjs/common';
import { type Action, StepUp, StepUpAction, type StepUpCall, SteppedUp, StepUpGrant } from 'nestjs-phone-otp';
import { DataSource } from 'typeorm';

import { headerCallers } from './http.js';

/** A record of the host: a transfer to be confirmed. */
interface Transfer {
  id: string;
  owner: string;
  amount: string;
  currency: string;
  payee: string;
  status: string;
  executions: number;
}

/** The transfers of a host, in its own table beside the module's. */
@Injectable()
export class Vault {
  readonly #table: string;

  constructor(private readonly dataSource: DataSource) {
    this.#table = `${(dataSource.options as { schema?: string }).schema}.vault_transfers`;
  }

  async create(): Promise<void> {
    await this.dataSource.query(`CREATE TABLE ${this.#table} (
      id text PRIMARY KEY, owner text NOT NULL, amount text NOT NULL, currency text NOT NULL, payee text NOT NULL,
      status text NOT NULL DEFAULT 'pending', executions int NOT NULL DEFAULT 0)`);
  }

  async add(transfer: Partial<Transfer> & { owner: string }): Promise<string> {
    const id = `t${++transfers}`;
    const { owner, amount = '250.00', currency = 'SAR', payee = 'Sara Trading' } = transfer;
    await this.dataSource.query(`INSERT INTO ${this.#table} VALUES ($1, $2, $3, $4, $5)`, [
      id,
      owner,
      amount,
      currency,
      payee,
    ]);
    return id;
  }

  async change(id: string, changes: Partial<Transfer>): Promise<void> {
    for (const [column, value] of Object.entries(changes)) {
      await this.dataSource.query(`UPDATE ${this.#table} SET ${column} = $2 WHERE id = $1`, [id, value]);
    }
  }

  async get(id: string): Promise<Transfer> {
    const [transfer] = await this.dataSource.query(`SELECT * FROM ${this.#table} WHERE id = $1`, [id]);
    if (!transfer) throw new NotFoundException('There is no such transfer.');
    return transfer as Transfer;
  }

  /** Executes a confirmed transfer, or nothing: the record is read again under its lock. */
  execute(id: string, grant: StepUpGrant): Promise<{ status: string }> {
    return this.dataSource.transaction('READ COMMITTED', async (manager) => {
      const [row] = await manager.query(`SELECT * FROM ${this.#table} WHERE id = $1 FOR UPDATE`, [id]);
      const transfer = row as Transfer;
      if (transfer.status !== 'pending') throw new ConflictException('This transfer is already executed.');
      await grant.consume(manager, actionOf(transfer));
      await manager.query(`UPDATE ${this.#table} SET status = 'executed', executions = executions + 1 WHERE id = $1`, [
        id,
      ]);
      await this.beforeCommit();
      return { status: 'executed' };
    });
  }

  /** A hook for a test's fault: between the guard's read of the record and the handler's. */
  afterLoad: (id: string) => Promise<void> = async () => undefined;

  /** A hook for a test's fault: between the execution and its commit. */
  beforeCommit: () => Promise<void> = async () => undefined;
}
let transfers = 0;

export const actionOf = ({ id, amount, currency, payee }: Transfer): Action => ({ id, amount, currency, payee });

@Injectable()
export class TransferAction extends StepUpAction {
  constructor(private readonly vault: Vault) {
    super();
  }

  override async load({ request, caller, execution }: StepUpCall): Promise<Action> {
    const id = request?.params?.id ?? execution.getArgByIndex<{ id: string }>(1).id;
    const transfer = await this.vault.get(id);
    if (transfer.owner !== caller.subject) throw new NotFoundException('There is no such transfer.');
    if (transfer.status !== 'pending') throw new ConflictException('This transfer is already executed.');
    await this.vault.afterLoad(id);
    return actionOf(transfer);
  }
}

@Controller('vault')
export class VaultController {
  constructor(private readonly vault: Vault) {}

  /** The guard uses the grant, before the handler. */
  @Post('close')
  @HttpCode(200)
  @StepUp('close_account')
  close(@SteppedUp() grant: StepUpGrant) {
    closed.push(grant.proof?.phone);
    return { closed: grant.subject };
  }

  @Get('secret')
  @StepUp('close_account')
  secret() {
    return { secret: 42 };
  }

  /** The handler uses the grant, in its transaction. */
  @Post('transfers/:id/confirm')
  @HttpCode(200)
  @StepUp('transaction', TransferAction, { consume: 'handler' })
  confirm(@Param('id') id: string, @SteppedUp() grant: StepUpGrant) {
    return this.vault.execute(id, grant);
  }

  @Post('forgetful')
  @StepUp('close_account', { consume: 'handler' })
  forgetful() {
    return { done: true };
  }

  @Post('reset')
  @HttpCode(204)
  @StepUp('password_reset')
  reset(@SteppedUp() grant: StepUpGrant): void {
    resets.push(grant.subject);
  }
}
export const closed: (string | undefined)[] = [];
export const resets: string[] = [];

/** What a fixture needs to serve the vault: the headers name the caller. */
export const vaultModule = {
  controllers: [VaultController],
  providers: [Vault, TransferAction, headerCallers],
};
