import { requirePeer } from './peers.js';

const { IsOptional, IsString, MaxLength } = requirePeer<typeof import('class-validator')>('class-validator');
requirePeer('class-transformer'); // Nest's ValidationPipe loads it

// The host's Swagger module reads "_OPENAPI_METADATA_FACTORY"; this package does not import @nestjs/swagger.

const text = (description: string, maxLength: number, example: string, required = true) => ({
  type: () => String,
  required,
  maxLength,
  description,
  example,
});
const date = (description: string) => ({ type: () => String, required: true, format: 'date-time', description });

const PHONE = text('A phone number in any common format.', 64, '0512345678');
const PURPOSE = text('Purpose of the code.', 32, 'registration');
const HANDLE = text('Handle of the challenge.', 64, '019b2c1e-6f3a-7d86-9b2c-1e3f8f9c2ab1.4pX1vQm0S8mYw3d6m9y2Gg');

/** Request body of the start route. */
export class StartDto {
  @IsString()
  @MaxLength(64)
  phone: string;

  @IsString()
  @MaxLength(32)
  purpose: string;

  @IsOptional()
  @IsString()
  @MaxLength(35)
  locale?: string;

  static _OPENAPI_METADATA_FACTORY() {
    return { phone: PHONE, purpose: PURPOSE, locale: text('BCP 47 language of the message.', 35, 'ar', false) };
  }
}

/** Request body of the resend route. */
export class ResendDto {
  @IsString()
  @MaxLength(64)
  challenge: string;

  static _OPENAPI_METADATA_FACTORY() {
    return { challenge: HANDLE };
  }
}

/** Request body of the verify route. */
export class VerifyDto {
  @IsString()
  @MaxLength(64)
  challenge: string;

  @IsString()
  @MaxLength(64)
  code: string;

  @IsString()
  @MaxLength(32)
  purpose: string;

  static _OPENAPI_METADATA_FACTORY() {
    return { challenge: HANDLE, code: text('The code, in digits of any script.', 64, '٠١٢٣٤٥'), purpose: PURPOSE };
  }
}

/** Response body of the start and resend routes. */
export class StartedDto {
  challenge: string;
  phone: string;
  expiresAt: Date;
  resendAt: Date;
  codeLength: number;

  static _OPENAPI_METADATA_FACTORY() {
    return {
      challenge: HANDLE,
      phone: text('The masked phone number.', 20, '+966*******78'),
      expiresAt: date('When the code expires.'),
      resendAt: date('When the next message can be requested.'),
      codeLength: { type: () => Number, required: true, description: 'Number of digits of the code.', example: 6 },
    };
  }
}

/** Response body of the verify route. */
export class VerifiedDto {
  grant: string;
  expiresAt: Date;

  static _OPENAPI_METADATA_FACTORY() {
    return {
      grant: text('Single-use proof, for the header OTP-Grant.', 43, 'pX1vQm0S8mYw3d6m9y2GgpX1vQm0S8mYw3d6m9y2GgA'),
      expiresAt: date('When the grant expires.'),
    };
  }
}
