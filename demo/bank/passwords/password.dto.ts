import { ApiProperty } from '@nestjs/swagger';
import { IsString, Length, MaxLength } from 'class-validator';

import { AccessTokenDto } from '../access-token.dto.js';

export class NewPasswordDto {
  @ApiProperty({ example: 'correct horse battery', minLength: 12, maxLength: 128 })
  @IsString()
  @Length(12, 128)
  password: string;
}

export class PasswordLoginDto {
  @ApiProperty({ description: 'In any common notation.', example: '0512345678' })
  @IsString()
  @MaxLength(64)
  phone: string;

  @ApiProperty({ example: 'correct horse battery' })
  @IsString()
  @MaxLength(128)
  password: string;
}

export class RecoveryLoginDto extends PasswordLoginDto {
  @ApiProperty({ example: '7ZK3M-Q0V5R-8W2XA-1N4DT-H6BJC' })
  @IsString()
  @MaxLength(64)
  recoveryCode: string;
}

export class RecoveredLoginDto extends AccessTokenDto {
  @ApiProperty({ description: 'Number of recovery codes left.' })
  remaining: number;
}
