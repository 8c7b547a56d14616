import { Injectable } from '@nestjs/common';
import { type Action, StepUpAction, type StepUpCall } from 'nestjs-phone-otp';

import { Transfers } from './transfers.js';

/** What a call to `/transfers/:id/confirm` confirms: the stored transfer. */
@Injectable()
export class TransferAction extends StepUpAction {
  constructor(private readonly transfers: Transfers) {
    super();
  }

  override async load({ request, caller }: StepUpCall): Promise<Action> {
    const { action } = await this.transfers.findPending(request.params.id, caller.subject);
    return action;
  }
}
