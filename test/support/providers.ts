import {
  DELIVERY_CAPABILITIES,
  type DeliveryProvider,
  type OutgoingMessage,
  type SendReceipt,
} from 'nestjs-phone-otp/provider-kit';

/** A vendor whose response the test defines. */
export class ScriptedProvider implements DeliveryProvider {
  readonly mode = 'delivery';
  readonly capabilities = DELIVERY_CAPABILITIES;
  readonly messages: OutgoingMessage[] = [];

  constructor(
    public answer: (message: OutgoingMessage) => Promise<SendReceipt> = async () => ({ outcome: 'sent' }),
    readonly name = 'scripted',
  ) {}

  send(message: OutgoingMessage): Promise<SendReceipt> {
    this.messages.push(message);
    return this.answer(message);
  }

  /** The code of the newest message, even if this vendor has not responded yet. */
  get lastCode(): string {
    return /\d{6}/.exec(this.messages.at(-1)!.text)![0];
  }
}

/** A vendor that holds its responses until the test releases them. */
export class HeldProvider extends ScriptedProvider {
  readonly #waiting: ((receipt: SendReceipt) => void)[] = [];

  constructor() {
    super(() => new Promise((resolve) => this.#waiting.push(resolve)));
  }

  /** Responds to the oldest pending message. */
  release(receipt: SendReceipt = { outcome: 'sent' }): void {
    this.#waiting.shift()!(receipt);
  }

  /** Responds to all pending messages. */
  releaseAll(): void {
    while (this.#waiting.length > 0) this.release();
  }
}
