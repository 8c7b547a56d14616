export { DELIVERY_CAPABILITIES } from '../../delivery/provider.js';
export type {
  CheckOutcome,
  CheckReceipt,
  DelegatedProvider,
  DeliveryProvider,
  GeneratorProvider,
  OutgoingMessage,
  ProviderBase,
  ProviderCall,
  ProviderCapabilities,
  ProviderChoice,
  Recipient,
  SendOutcome,
  SendReceipt,
  SingleProvider,
  VendorCheck,
  VendorFigure,
  VendorReference,
  VendorRefusal,
  VendorStart,
} from '../../delivery/provider.js';
export { HttpClient } from './http-client.js';
export type { HttpAnswer, HttpClientOptions, HttpExchange, HttpFault, HttpReply } from './http-client.js';
export type { HttpFields, HttpRequest } from './http-request.js';
export { checkReceipt, sendReceipt } from './receipts.js';
export { field, readJson } from './safe-json.js';
export { Secret } from './secret.js';
export type { TextTemplate } from './text-template.js';
