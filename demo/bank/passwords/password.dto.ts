import { ApiProperty } from '@nestjs/swagger';
import { IsString, Length, MaxLength } from 'class-validator';

export class NewPasswordDto {
  @ApiProperty({ example: 'correct horse battery', minLength: 12, maxLength: 128 })
  @IsString()
  @Length(12, 128)
  password: string;
}

export class PasswordLoginDto {
  @ApiProperty({ description: 'As people write it.', example: '0512345678' })
  @IsString()
  @MaxLength(64)
  phone: string;

  @ApiProperty({ example: 'correct horse battery' })
  @IsString()
  @MaxLength(128)
  password: string;
}
