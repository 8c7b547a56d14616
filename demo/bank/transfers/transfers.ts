import { ConflictException, Injectable, NotFoundException } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { isUUID } from 'class-validator';
import { minorUnits, OtpError, type StepUpGrant } from 'nestjs-phone-otp';
import { randomUUID } from 'node:crypto';
import { DataSource, type EntityManager, Repository } from 'typeorm';

import { Transfer } from './transfer.entity.js';

/** In minor units. Ten trillion riyals are more than anyone sends, and far less than the column can store. */
const LARGEST = 10n ** 15n;
const SHOWN = 100;

@Injectable()
export class Transfers {
  constructor(
    private readonly dataSource: DataSource,
    @InjectRepository(Transfer) private readonly transfers: Repository<Transfer>,
  ) {}

  /** Prepares a transfer. No money moves until it is confirmed. */
  async prepare(userId: string, order: { amount: string; currency: string; payee: string }): Promise<Transfer> {
    const { currency, payee } = order;
    const amount = minorUnits(order.amount, currency);
    if (amount === 0n || amount > LARGEST) {
      throw new OtpError('request_invalid', '"amount" must be greater than zero and within the allowed maximum.');
    }
    const transfer = this.transfers.create({
      id: randomUUID(),
      userId,
      amount,
      currency,
      payee,
      createdAt: new Date(),
      executedAt: null,
    });
    await this.transfers.insert(transfer);
    return transfer;
  }

  /** Newest first. */
  listOf(userId: string): Promise<Transfer[]> {
    return this.transfers.find({ where: { userId }, order: { createdAt: 'DESC' }, take: SHOWN });
  }

  /** @throws NotFoundException also for another customer's transfer, so that nobody learns which ones exist */
  async find(id: string, userId: string): Promise<Transfer> {
    return found(isUUID(id) ? await this.transfers.findOneBy({ id, userId }) : null);
  }

  /** @throws ConflictException for a transfer that is already executed */
  async findPending(id: string, userId: string): Promise<Transfer> {
    return pending(await this.find(id, userId));
  }

  /**
   * Executes a confirmed transfer, once. The record is read again under its lock and compared with the grant: a
   * transfer that changed since the code was sent is not executed. Grant and execution commit together or not at all.
   */
  execute(id: string, grant: StepUpGrant): Promise<Transfer> {
    return this.dataSource.transaction('READ COMMITTED', async (manager) => {
      const transfer = pending(await lock(id, grant.subject, manager));
      await grant.consume(manager, transfer.action);
      transfer.executedAt = new Date();
      await manager.update(Transfer, id, { executedAt: transfer.executedAt });
      return transfer;
    });
  }
}

async function lock(id: string, userId: string, manager: EntityManager): Promise<Transfer> {
  return found(await manager.findOne(Transfer, { where: { id, userId }, lock: { mode: 'pessimistic_write' } }));
}

function found(transfer: Transfer | null): Transfer {
  if (transfer === null) throw new NotFoundException('There is no such transfer.');
  return transfer;
}

function pending(transfer: Transfer): Transfer {
  if (transfer.executedAt !== null) throw new ConflictException('This transfer is already executed.');
  return transfer;
}
