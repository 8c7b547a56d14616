import { applyDecorators } from '@nestjs/common';
import { IsString, Length, Matches } from 'class-validator';

/** 1 to `max` characters on one line, at least one of them visible. */
export const IsOneLine = (maxLength: number) =>
  applyDecorators(
    IsString(),
    Length(1, maxLength),
    Matches(/^(?=.*\S)[^\p{Cc}\p{Zl}\p{Zp}\p{Cs}]*$/u, { message: '$property must be one line of text' }),
  );
