import { Controller, Inject, Injectable, Post, Req } from '@nestjs/common';
import { DataSource } from 'typeorm';

import { inFlight, load, newPhone } from '../support.mjs';

const { Callers, Grants, StepUp, StepUpAction, SteppedUp } = await load('nestjs-phone-otp');

const TRANSFERS = `CREATE TABLE transfers (
  id text PRIMARY KEY, owner text NOT NULL, amount text NOT NULL, currency text NOT NULL, payee text NOT NULL,
  status text NOT NULL DEFAULT 'pending')`;
const actionOf = ({ id, amount, currency, payee }) => ({ id, amount, currency, payee });

/** A header names the signed-in account: the session look-up is the host's, and the same for every route. */
class HeaderCallers extends Callers {
  async identify({ headers }) {
    return { subject: headers['x-account'], session: headers['x-session'] };
  }
}
Injectable()(HeaderCallers);

class TransferAction extends StepUpAction {
  constructor(dataSource) {
    super();
    this.dataSource = dataSource;
  }

  async load({ request }) {
    const [transfer] = await this.dataSource.query('SELECT * FROM transfers WHERE id = $1', [request.params.id]);
    return actionOf(transfer);
  }
}
Inject(DataSource)(TransferAction, undefined, 0);
Injectable()(TransferAction);

/** The same work twice: behind the guard, and in a handler that does the guard's work itself. */
class TransfersController {
  constructor(dataSource, grants) {
    this.dataSource = dataSource;
    this.grants = grants;
  }

  guarded(request, stepUp) {
    return this.#execute(request.params.id, (manager, action) => stepUp.consume(manager, action));
  }

  unguarded({ params, headers }) {
    const who = { purpose: 'transaction', subject: headers['x-account'], session: headers['x-session'] };
    return this.#execute(params.id, (manager, action) =>
      this.grants.consume(headers['otp-grant'], { ...who, action }, manager),
    );
  }

  #execute(id, consume) {
    return this.dataSource.transaction(async (manager) => {
      const [transfer] = await manager.query('SELECT * FROM transfers WHERE id = $1 FOR UPDATE', [id]);
      await consume(manager, actionOf(transfer));
      await manager.query(`UPDATE transfers SET status = 'executed' WHERE id = $1`, [id]);
      return { status: 'executed' };
    });
  }
}
Inject(DataSource)(TransfersController, undefined, 0);
Inject(Grants)(TransfersController, undefined, 1);
for (const name of ['guarded', 'unguarded']) {
  Post(`${name}/:id`)(TransfersController.prototype, name, descriptorOf(name));
  Req()(TransfersController.prototype, name, 0);
}
SteppedUp()(TransfersController.prototype, 'guarded', 1);
StepUp('transaction', TransferAction, { consume: 'handler' })(
  TransfersController.prototype,
  'guarded',
  descriptorOf('guarded'),
);
Controller()(TransfersController);

function descriptorOf(name) {
  return Object.getOwnPropertyDescriptor(TransfersController.prototype, name);
}

export const GUARDED = {
  controllers: [TransfersController],
  providers: [TransferAction, { provide: Callers, useClass: HeaderCallers }],
};

export const createTransfers = (pool) => pool.query(TRANSFERS);

let transfers = 0;

/** Confirms `count` transfers, each of its own account. @returns the requests that execute them */
export async function confirmed(path, count, { otp, outbox, pool }) {
  const rows = Array.from({ length: count }, () => {
    const index = ++transfers;
    return {
      id: `t${index}`,
      owner: `account-${index}`,
      phone: newPhone(),
      amount: '250.00',
      currency: 'SAR',
      payee: 'Sara',
    };
  });
  await pool.query(
    `WITH made AS (
       INSERT INTO transfers (id, owner, amount, currency, payee)
       SELECT id, owner, amount, currency, payee FROM json_populate_recordset(NULL::transfers, $1))
     INSERT INTO otp_verified_numbers (phone, owner, verified_at, last_proved_at, source)
     SELECT phone, owner, now(), now(), 'registration' FROM json_to_recordset($1) AS r(phone text, owner text)`,
    [JSON.stringify(rows.map(({ phone, ...row }) => ({ ...row, phone, status: 'pending' })))],
  );
  const purpose = 'transaction';
  return inFlight(rows, async ({ phone, owner: subject, ...transfer }) => {
    const who = { subject, session: 'session-1', purpose };
    const { challenge } = await otp.start({ phone, client: 'server', action: actionOf(transfer), ...who });
    const { grant } = await otp.verify({ challenge, code: outbox.take(phone), ...who });
    return {
      path: `/${path}/${transfer.id}`,
      body: '{}',
      address: '10.0.0.1',
      headers: { 'x-account': subject, 'x-session': 'session-1', 'otp-grant': grant },
    };
  });
}
