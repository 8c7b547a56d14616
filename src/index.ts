export { OtpModule } from './otp.module.js';
export type {
  OtpModuleAsyncOptions,
  OtpModuleOptions,
  OtpModuleShape,
  OtpOptionsFactory,
  OtpOptionsWithProvider,
} from './otp.module.js';
export { OTP_FIGURES } from './config/options.js';
export type { OtpOptions, Pepper, TakenNumbers } from './config/options.js';
export type { AllowRules } from './config/allow.js';
export type { ConversionFloor, FloorMode, FloorScope } from './config/minimum-conversion.js';
export type { SpendBudget } from './config/spend.js';
export type { BuiltInPurpose, Purpose, PurposeRules } from './config/purposes.js';

export { OtpService } from './challenges/otp.service.js';
export { OtpOperations } from './operations/otp.operations.js';
export type {
  Client,
  ResendRequest,
  SendingScope,
  SendingStop,
  StartedChallenge,
  StartRequest,
  VerifiedChallenge,
  VerifyRequest,
} from './challenges/otp.requests.js';
export { Grants } from './grants/grants.js';
export type { GrantExpectation, Proof } from './grants/grants.js';
export { VerifiedNumbers } from './numbers/verified-numbers.js';
export type { NumberBinding, NumberChange, OwnedNumber } from './numbers/verified-numbers.js';
export { OtpAudit } from './audit/otp-audit.js';
export type { AuditQuery } from './audit/otp-audit.js';
export { OTP_ERROR_CODES, OtpConfigError, OtpError } from './errors/otp.error.js';
export type { OtpErrorCode, OtpErrorOptions } from './errors/otp.error.js';
export type { ChallengeEvent, OtpEventName, OtpEvents } from './events/otp.events.js';
export type { LimitName, SenderTier } from './limits/limits.js';
export type { OtpTransaction, OtpTypes, SqlTransaction } from './database/transaction.js';

export { RecoveryCodes } from './recovery/recovery-codes.js';
export type { NewRecoveryCode, Recovered, RecoveryPurpose, RecoveryUse } from './recovery/recovery-codes.js';
export { TrustedDevices } from './devices/trusted-devices.js';
export type { NewTrust, RecognisedDevice, TrustedDevice } from './devices/trusted-devices.js';
export { Notices } from './delivery/notices.js';
export type { NoticeOptions } from './delivery/notices.js';

export { PhoneLogin, LoggedIn } from './passport/phone-login.decorator.js';
export { PhoneLoginGuard } from './passport/phone-login.guard.js';
export { PhoneLoginStrategy } from './passport/phone-login.strategy.js';
export type { PhoneLoginResult } from './passport/phone-logins.js';
export { amrWithPhone, PHONE_AMR } from './passport/amr.js';

export { StepUp, SteppedUp } from './step-up/step-up.decorator.js';
export type { StepUpOptions } from './step-up/step-up.decorator.js';
export { StepUpGuard } from './step-up/step-up.guard.js';
export { StepUpAction } from './step-up/step-up-action.js';
export type { StepUpCall } from './step-up/step-up-action.js';
export { StepUpGrant } from './step-up/step-up-grant.js';
export { majorUnits, minorUnits } from './challenges/action.js';
export type { Action } from './challenges/action.js';

export { BotCheck } from './abuse/bot-check.js';
export type { CallToCheck } from './abuse/bot-check.js';
export { PhoneRisk } from './abuse/phone-risk.js';
export type { PhoneSignals, PhoneToAssess } from './abuse/phone-risk.js';

export { Callers } from './accounts/callers.js';
export type { Caller } from './accounts/callers.js';
export { PhoneAccounts } from './accounts/phone-accounts.js';
export type { OtherFactor, PhoneAccount } from './accounts/phone-accounts.js';

export { OtpProblemFilter } from './http/problem.filter.js';
export type { OtpRoutesOptions } from './routes/otp-routes.options.js';
export { ProblemException, stepUpRequired } from './http/problem.exception.js';
export type { Problem } from './http/problem.js';

export { OTP_ENTITIES } from './database/entities.js';
export { OTP_MIGRATIONS } from './database/migrations/index.js';
export { Challenge } from './challenges/challenge.entity.js';
export type { ChallengeStatus, CheckedBy } from './challenges/challenge.entity.js';
export { Send } from './delivery/send.entity.js';
export { Grant } from './grants/grant.entity.js';
export type { GrantSource } from './grants/grant.entity.js';
export { TrustedDeviceRow } from './devices/trusted-device.entity.js';
export { RecoveryCode } from './recovery/recovery-code.entity.js';
export { SendCounter } from './limits/send-counter.entity.js';
export { UnverifiedSend } from './limits/unverified-send.entity.js';
export { Budget } from './limits/budget.entity.js';
export { Lockout } from './limits/lockout.entity.js';
export { KnownDevice } from './limits/known-device.entity.js';
export { SendingStopRow } from './limits/sending-stop.entity.js';
export { WrongCodes } from './limits/wrong-codes.entity.js';
export { Turn } from './database/turn.entity.js';
export { VerifiedNumber } from './numbers/verified-number.entity.js';

export { AuditEntry } from './audit/audit-entry.entity.js';
export type { AuditEvent } from './audit/audit-entry.entity.js';

export { maskPhone } from './phone/mask.js';
export type { PhoneNumber, Region } from './phone/phone-number.js';
export type { Locale, Notice, Texts } from './messages/texts.js';

export { ConsoleProvider } from './providers/console/console-provider.js';
export { CountryRouter } from './delivery/country-router.js';
export type { CountryRoutes } from './delivery/country-router.js';
export { Failover } from './delivery/failover.js';
export { DELIVERY_CAPABILITIES } from './delivery/provider.js';
export type {
  CheckOutcome,
  CheckReceipt,
  DelegatedProvider,
  DeliveryProvider,
  GeneratorProvider,
  OtpProvider,
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
} from './delivery/provider.js';
export { LamahOtp } from './providers/lamah/lamah-otp.js';
export type { LamahOtpOptions } from './providers/lamah/lamah-otp.js';
export { NinetyNineSms } from './providers/ninety-nine/ninety-nine-sms.js';
export type { NinetyNineSmsOptions } from './providers/ninety-nine/ninety-nine-sms.js';
export { NinetyNineVerify } from './providers/ninety-nine/ninety-nine-verify.js';
export type { NinetyNineVerifyOptions } from './providers/ninety-nine/ninety-nine-verify.js';
export type { NinetyNineMessage, NinetyNineOptions } from './providers/ninety-nine/ninety-nine-account.js';
export type { NinetyNineDelivery, NinetyNineRefusal } from './providers/ninety-nine/ninety-nine-answer.js';
export { SgateOtp } from './providers/sgate/sgate-otp.js';
export type { SgateOtpOptions } from './providers/sgate/sgate-otp.js';
export type { SgateDelivery } from './providers/sgate/sgate-answer.js';
export { TaqnyatSms } from './providers/taqnyat/taqnyat-sms.js';
export type { TaqnyatSmsOptions } from './providers/taqnyat/taqnyat-sms.js';
export { TaqnyatVerify } from './providers/taqnyat/taqnyat-verify.js';
export type { TaqnyatVerifyOptions } from './providers/taqnyat/taqnyat-verify.js';
export { TermiiInAppToken } from './providers/termii/termii-in-app-token.js';
export type { TermiiInAppTokenOptions } from './providers/termii/termii-in-app-token.js';
export { TermiiSendToken } from './providers/termii/termii-send-token.js';
export type { TermiiSendTokenOptions } from './providers/termii/termii-send-token.js';
export { TermiiSms } from './providers/termii/termii-sms.js';
export type { TermiiSmsOptions } from './providers/termii/termii-sms.js';
export { TermiiVoiceToken } from './providers/termii/termii-voice-token.js';
export type { TermiiVoiceTokenOptions } from './providers/termii/termii-voice-token.js';
export type { TermiiOptions, TermiiSenderOptions, TermiiTokenOptions } from './providers/termii/termii-account.js';
export { TwilioSms } from './providers/twilio/twilio-sms.js';
export type { TwilioSmsOptions } from './providers/twilio/twilio-sms.js';
export { TwilioVerify } from './providers/twilio/twilio-verify.js';
export type { TwilioVerifyOptions } from './providers/twilio/twilio-verify.js';
export type { TwilioOptions } from './providers/twilio/twilio-account.js';
export { UnifonicAuthenticate } from './providers/unifonic/unifonic-authenticate.js';
export type { UnifonicAuthenticateOptions } from './providers/unifonic/unifonic-authenticate.js';
export { UnifonicSms } from './providers/unifonic/unifonic-sms.js';
export type { UnifonicSmsOptions } from './providers/unifonic/unifonic-sms.js';
export { VonageVerify } from './providers/vonage/vonage-verify.js';
export type { VonageVerifyOptions } from './providers/vonage/vonage-verify.js';
export { HttpClient } from './providers/provider-kit/http-client.js';
export type { HttpAnswer, HttpClientOptions, HttpExchange, HttpFault, HttpReply } from './providers/provider-kit/http-client.js';
export type { HttpFields, HttpRequest } from './providers/provider-kit/http-request.js';
export { checkReceipt, sendReceipt } from './providers/provider-kit/receipts.js';
export { field, readJson } from './providers/provider-kit/safe-json.js';
export { Secret } from './providers/provider-kit/secret.js';
export type { TextTemplate } from './providers/provider-kit/text-template.js';
