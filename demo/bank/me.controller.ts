import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiProperty, ApiTags } from '@nestjs/swagger';
import { maskPhone } from 'nestjs-phone-otp';

import { Accounts } from './accounts.js';
import { Session } from './session.entity.js';
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
  constructor(private readonly accounts: Accounts) {}

  /** Who is signed in, and how. */
  @Get()
  @SignedIn()
  @ApiOkResponse({ type: MeDto })
  async me(@CurrentSession() { user, amr }: Session): Promise<MeDto> {
    const phone = await this.accounts.phoneOf(user.id);
    return { id: user.id, name: user.name, phone: phone === undefined ? null : maskPhone(phone), amr };
  }
}
