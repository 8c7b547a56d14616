export { OtpModule } from './otp.module.js';
export type {
  OtpModuleAsyncOptions,
  OtpModuleOptions,
  OtpOptionsFactory,
  OtpOptionsWithProvider,
} from './otp.module-options.js';
export { OTP_FIGURES } from './config/options.js';
export type { OtpOptions } from './config/options.js';
export type { Purpose, PurposeRules } from './config/purposes.js';
export { OtpService } from './challenges/otp.service.js';
export { OtpOperations } from './operations/otp.operations.js';
export type {
  Client,
  ResendRequest,
  StartedChallenge,
  StartRequest,
  VerifiedChallenge,
  VerifyRequest,
} from './challenges/otp.requests.js';
export { Grants } from './grants/grants.js';
export type { GrantExpectation, Proof } from './grants/grants.js';
export { VerifiedNumbers } from './numbers/verified-numbers.js';
export type { OwnedNumber } from './numbers/verified-numbers.js';
export { OtpAudit } from './audit/otp-audit.js';
export { OTP_ERROR_CODES, OtpConfigError, OtpError } from './errors/otp.error.js';
export type { OtpErrorCode } from './errors/otp.error.js';
export type { OtpEventName, OtpEvents } from './events/otp.events.js';
export type { OtpTransaction, OtpTypes } from './database/transaction.js';
export { RecoveryCodes } from './recovery/recovery-codes.js';
export { TrustedDevices } from './devices/trusted-devices.js';
export { Notices } from './delivery/notices.js';
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
export { PhoneRisk } from './abuse/phone-risk.js';
export type { PhoneSignals } from './abuse/phone-risk.js';
export { Callers } from './accounts/callers.js';
export type { Caller } from './accounts/callers.js';
export { PhoneAccounts } from './accounts/phone-accounts.js';
export type { OtherFactor, PhoneAccount } from './accounts/phone-accounts.js';
export { OtpProblemFilter } from './http/problem.filter.js';
export { ProblemException, stepUpRequired } from './http/problem.exception.js';
export { OTP_ENTITIES } from './entities.js';
export { OTP_MIGRATIONS } from './database/migrations/index.js';
export { maskPhone } from './phone/mask.js';
export type { Texts } from './messages/texts.js';
export { ConsoleProvider } from './providers/console/console-provider.js';
export { CountryRouter } from './delivery/country-router.js';
export { Failover } from './delivery/failover.js';
export type { OtpProvider } from './delivery/provider.js';
