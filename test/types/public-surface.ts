// Checked by "npm run check:types" alone: what a host may rely on when it compiles.
import { expectTypeOf } from 'expect-type';
import type {
  Action,
  OtpErrorCode,
  OtpEvents,
  OtpModuleOptions,
  OtpProvider,
  OtpService,
  OtpTransaction,
  StartedChallenge,
  StartRequest,
  VerifiedChallenge,
  VerifiedNumbers,
} from 'nestjs-phone-otp';
import type { DeliveryProvider } from 'nestjs-phone-otp/provider-kit';
import { CapturingProvider } from 'nestjs-phone-otp/testing';
import type { PoolClient } from 'pg';
import type { EntityManager, QueryRunner } from 'typeorm';

// Four options have no default.
expectTypeOf<{
  pepper: string;
  regions: ['SA'];
  appName: string;
  dailySendBudget: number;
}>().toExtend<OtpModuleOptions>();
expectTypeOf<{ regions: ['SA']; appName: string; dailySendBudget: number }>().not.toExtend<OtpModuleOptions>();
expectTypeOf<{
  pepper: string;
  regions: ['XX'];
  appName: string;
  dailySendBudget: number;
}>().not.toExtend<OtpModuleOptions>();

// A caller says whom the call comes from, and codes are texts.
expectTypeOf<OtpService['start']>().parameters.toEqualTypeOf<[StartRequest]>();
expectTypeOf<OtpService['start']>().returns.resolves.toEqualTypeOf<StartedChallenge>();
expectTypeOf<{ phone: string; purpose: 'login' }>().not.toExtend<StartRequest>();
expectTypeOf<Parameters<OtpService['verify']>[0]['code']>().toEqualTypeOf<string>();
expectTypeOf<VerifiedChallenge['grant']>().toEqualTypeOf<string>();

// An amount is never a floating-point number.
expectTypeOf<{ id: string; amount: string; currency: string; payee: string }>().toExtend<Action>();
expectTypeOf<{ id: string; amount: number; currency: string; payee: string }>().not.toExtend<Action>();

// The ledger is written in a transaction of the host, by whatever it runs its own statements with, as it is.
expectTypeOf<Parameters<VerifiedNumbers['activate']>[2]>().toEqualTypeOf<OtpTransaction | undefined>();
expectTypeOf<EntityManager>().toExtend<OtpTransaction>();
expectTypeOf<QueryRunner>().toExtend<OtpTransaction>();
expectTypeOf<PoolClient>().toExtend<OtpTransaction>();
expectTypeOf<string>().not.toExtend<OtpTransaction>();

// Listeners know their payloads, and switches over codes know all of them.
expectTypeOf<OtpEvents['otp.locked_out']>().toExtend<{ failures: number; closed: boolean }>();
expectTypeOf<'otp_invalid'>().toExtend<OtpErrorCode>();
expectTypeOf<'otp_wrong'>().not.toExtend<OtpErrorCode>();

expectTypeOf<CapturingProvider>().toExtend<DeliveryProvider>();
expectTypeOf<DeliveryProvider>().toExtend<OtpProvider>();
