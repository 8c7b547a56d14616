import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiProperty, ApiTags } from '@nestjs/swagger';
import { maskPhone, VerifiedNumbers } from 'nestjs-phone-otp';

import type { Session } from './session.entity.js';
import { CurrentSession, SignedIn } from './signed-in.js';

class MeDto {
  @ApiProperty({ format: 'uuid' })
  id: string;
  @ApiProperty({ example: 'Sara' })
  name: string;
  @ApiProperty({ type: String, nullable: true, example: '+966*******78' })
  phone: string | null;
  @ApiProperty({ type: [String], example: ['otp', 'sms'] })
  amr: string[];
}

@ApiTags('Bank')
@Controller('me')
export class MeController {
  constructor(private readonly numbers: VerifiedNumbers) {}

  /** The signed-in customer and their way of signing in. */
  @Get()
  @SignedIn()
  @ApiOkResponse({ type: MeDto })
  async me(@CurrentSession() { user, amr }: Session): Promise<MeDto> {
    const [number] = await this.numbers.numbersOf(user.id);
    return { id: user.id, name: user.name, phone: number ? maskPhone(number.phone) : null, amr };
  }
}
