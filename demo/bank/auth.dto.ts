import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsString, Length, Matches, MaxLength, ValidateIf } from 'class-validator';

export class RegisterDto {
  @ApiProperty({ example: 'Sara', minLength: 1, maxLength: 60 })
  @IsString()
  @Length(1, 60)
  @Matches(/^(?=.*\S)\P{Cc}*$/u, { message: 'name must be one line of text' })
  name: string;

  @ApiProperty({ example: 'correct horse battery', minLength: 12, maxLength: 128 })
  @IsString()
  @Length(12, 128)
  password: string;
}

/** Both, or neither where a grant is in the header. */
export class LoginDto {
  @ApiPropertyOptional({ description: 'What "start" answered.' })
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

export class AccessTokenDto {
  @ApiProperty({ description: 'A bearer token.' })
  accessToken: string;
}

function saysAnything({ challenge, code }: LoginDto): boolean {
  return challenge !== undefined || code !== undefined;
}
