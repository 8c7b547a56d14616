import { ApiProperty } from '@nestjs/swagger';
import { IsString, MaxLength } from 'class-validator';
import type { NewRecoveryCode } from 'nestjs-phone-otp/types';

export class RecoveryCodeDto {
  @ApiProperty({
    description: 'As copied from paper, with or without dashes.',
    example: '7ZK3M-Q0V5R-8W2XA-1N4DT-H6BJC',
  })
  @IsString()
  @MaxLength(64)
  code: string;
}

export class RecoveryCodesDto {
  @ApiProperty({ type: [String], description: 'Ten codes, each valid once. They are never shown again.' })
  codes: string[];
}

export class NewCodeDto implements NewRecoveryCode {
  @ApiProperty({ description: 'Positions among the ten, starting at 1.' })
  place: number;
  @ApiProperty()
  code: string;
}

export class ReplacedCodesDto {
  @ApiProperty({ type: [NewCodeDto], description: 'One for each used code. They are never shown again.' })
  codes: NewCodeDto[];
}

export class RemainingDto {
  @ApiProperty({ description: 'Number of unused codes.' })
  remaining: number;
}

export class RecoveredDto extends RemainingDto {
  @ApiProperty({ description: 'For /numbers/change, instead of a code to the lost number.' })
  grant: string;
  @ApiProperty()
  expiresAt: Date;
}
