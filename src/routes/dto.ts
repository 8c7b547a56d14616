import { requirePeer } from './peers.js';

const { IsOptional, IsString, MaxLength } = requirePeer<typeof import('class-validator')>('class-validator');
requirePeer('class-transformer'); // Nest's ValidationPipe loads it

// Swagger in the host reads "_OPENAPI_METADATA_FACTORY"; the package itself does not import @nestjs/swagger.

const text = (description: string, maxLength: number, example: string, required = true) => ({
  type: () => String,
  required,
  maxLength,
  description,
  example,
});
const date = (description: string) => ({ type: () => String, required: true, format: 'date-time', description });

const PHONE = text('A phone number as people write it.', 64, '0512345678');
const PURPOSE = text('What the code is for.', 32, 'registration');
const HANDLE = text('The handle of the challenge.', 64, '019b2c1e-6f3a-7d86-9b2c-1e3f8f9c2ab1.4pX1vQm0S8mYw3d6m9y2Gg');

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

export class ResendDto {
  @IsString()
  @MaxLength(64)
  challenge: string;

  static _OPENAPI_METADATA_FACTORY() {
    return { challenge: HANDLE };
  }
}

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

/** What the start and resend routes answer. */
export class StartedDto {
  challenge: string;
  phone: string;
  expiresAt: Date;
  resendAt: Date;
  codeLength: number;

  static _OPENAPI_METADATA_FACTORY() {
    return {
      challenge: HANDLE,
      phone: text('The number, masked.', 20, '+966*******78'),
      expiresAt: date('When the code stops working.'),
      resendAt: date('When the next message can be asked for.'),
      codeLength: { type: () => Number, required: true, description: 'Digits of the code.', example: 6 },
    };
  }
}

/** What the verify route answers. */
export class VerifiedDto {
  grant: string;
  expiresAt: Date;

  static _OPENAPI_METADATA_FACTORY() {
    return {
      grant: text('Single-use proof, for the header OTP-Grant.', 43, 'pX1vQm0S8mYw3d6m9y2GgpX1vQm0S8mYw3d6m9y2GgA'),
      expiresAt: date('When the grant stops working.'),
    };
  }
}
