import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsString, MaxLength, ValidateIf } from 'class-validator';

import { IsOneLine } from './one-line.js';
import { NewPasswordDto } from './passwords/password.dto.js';

export class RegisterDto extends NewPasswordDto {
  @ApiProperty({ example: 'Sara', minLength: 1, maxLength: 60 })
  @IsOneLine(60)
  name: string;
}
/** Both, or neither if the header has a grant. */
export class LoginDto {
  @ApiPropertyOptional({ description: 'The handle that "start" returned.' })
  @ValidateIf(saysAnything)
  @IsString()
  @MaxLength(64)
  challenge?: string;

  @ApiPropertyOptional({ example: '٠١٢٣٤٥' })
  @ValidateIf(saysAnything)
  @IsString()
  @MaxLength(64)
  code?: string;
}

function saysAnything({ challenge, code }: LoginDto): boolean {
  return challenge !== undefined || code !== undefined;
}
