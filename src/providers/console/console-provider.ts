import {
  DELIVERY_CAPABILITIES,
  type DeliveryProvider,
  type OutgoingMessage,
  type SendReceipt,
} from '../../delivery/provider.js';

/**
 * Prints each message instead of sending it. For development only: in production the application does not start with it.
 *
 * @example OtpModule.forRoot(new ConsoleProvider(), options)
 */
export class ConsoleProvider implements DeliveryProvider {
  readonly name = 'console';
  readonly mode = 'delivery';
  readonly capabilities = { ...DELIVERY_CAPABILITIES, developmentOnly: true };

  /** @param write receives each line. @defaultValue writes to standard output */
  constructor(private readonly write: (line: string) => unknown = (line) => process.stdout.write(line)) {}

  async send({ phone, text }: OutgoingMessage): Promise<SendReceipt> {
    this.write(`\n[sms to ${phone}]\n${text}\n\n`);
    return { outcome: 'sent' };
  }
}
