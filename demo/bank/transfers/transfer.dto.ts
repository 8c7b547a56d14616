import { ApiProperty, PickType } from '@nestjs/swagger';
import { IsString, MaxLength } from 'class-validator';
import { majorUnits } from 'nestjs-phone-otp';

import { IsOneLine } from '../one-line.js';
import type { Transfer } from './transfer.entity.js';

export class OrderDto {
  @ApiProperty({ description: 'A decimal text, in digits of any script.', example: '250.00' })
  @IsString()
  @MaxLength(32)
  amount: string;

  @ApiProperty({ description: 'ISO 4217', example: 'SAR' })
  @IsString()
  @MaxLength(3)
  currency: string;

  @ApiProperty({ example: 'Sara Trading', minLength: 1, maxLength: 60 })
  @IsOneLine(60)
  payee: string;
}

export class TransferDto {
  @ApiProperty({ format: 'uuid' })
  id: string;
  @ApiProperty({ description: 'With all decimals of its currency.', example: '250.00' })
  amount: string;
  @ApiProperty({ example: 'SAR' })
  currency: string;
  @ApiProperty({ example: 'Sara Trading' })
  payee: string;
  @ApiProperty({ enum: ['pending', 'executed'] })
  status: 'pending' | 'executed';

  static of({ id, amount, currency, payee, executedAt }: Transfer): TransferDto {
    const status = executedAt === null ? 'pending' : 'executed';
    return { id, amount: majorUnits(amount, currency), currency, payee, status };
  }
}

export class ConfirmedDto extends PickType(TransferDto, ['status']) {}

export class TransfersDto {
  @ApiProperty({ type: [TransferDto] })
  transfers: TransferDto[];
}
