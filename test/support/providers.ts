import {
  DELIVERY_CAPABILITIES,
  type DeliveryProvider,
  type OutgoingMessage,
  type SendReceipt,
} from 'nestjs-phone-otp/provider-kit';

/** A vendor whose answer the test writes. */
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

  /** The code of the newest message, which this vendor took but may not have answered. */
  get lastCode(): string {
    return /\d{6}/.exec(this.messages.at(-1)!.text)![0];
  }
}

/** A vendor that takes messages and answers when it is told to. */
export class HeldProvider extends ScriptedProvider {
  readonly #waiting: ((receipt: SendReceipt) => void)[] = [];

  constructor() {
    super(() => new Promise((resolve) => this.#waiting.push(resolve)));
  }

  /** Answers the oldest message that still waits. */
  release(receipt: SendReceipt = { outcome: 'sent' }): void {
    this.#waiting.shift()!(receipt);
  }

  releaseAll(): void {
    while (this.#waiting.length > 0) this.release();
  }
}
