import { ApiProperty } from '@nestjs/swagger';
import { IsString, MaxLength } from 'class-validator';
import type { NewRecoveryCode } from 'nestjs-phone-otp/types';

export class RecoveryCodeDto {
  @ApiProperty({ description: 'As people copy it, with or without dashes.', example: '7ZK3M-Q0V5R-8W2XA-1N4DT-H6BJC' })
  @IsString()
  @MaxLength(64)
  code: string;
}

export class RecoveryCodesDto {
  @ApiProperty({ type: [String], description: 'Ten, each good once. They are never shown again.' })
  codes: string[];
}

export class NewCodeDto implements NewRecoveryCode {
  @ApiProperty({ description: 'Which of the ten, from 1 on.' })
  place: number;
  @ApiProperty()
  code: string;
}

export class ReplacedCodesDto {
  @ApiProperty({ type: [NewCodeDto], description: 'One for each used one. They are never shown again.' })
  codes: NewCodeDto[];
}

export class RemainingDto {
  @ApiProperty({ description: 'Codes that were not used yet.' })
  remaining: number;
}

export class RecoveredDto extends RemainingDto {
  @ApiProperty({ description: 'For /numbers/change, in place of a code to the number that is lost.' })
  grant: string;
  @ApiProperty()
  expiresAt: Date;
}
