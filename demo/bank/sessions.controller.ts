import { Controller, Delete, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiNoContentResponse, ApiNotFoundResponse, ApiOkResponse, ApiProperty, ApiTags } from '@nestjs/swagger';

import type { Session } from './session.entity.js';
import { Sessions } from './sessions.js';
import { CurrentSession, SignedIn } from './signed-in.js';

class SessionDto {
  @ApiProperty({ format: 'uuid' })
  id: string;
  @ApiProperty()
  createdAt: Date;
  @ApiProperty({ type: [String], example: ['pwd', 'otp', 'sms', 'mfa'] })
  amr: string[];
  @ApiProperty({ description: 'Whether this is the current session.' })
  current: boolean;
}

class SessionsDto {
  @ApiProperty({ type: [SessionDto] })
  sessions: SessionDto[];
}

@ApiTags('Bank')
@Controller('auth')
@SignedIn()
export class SessionsController {
  constructor(private readonly sessions: Sessions) {}

  /** The customer's sessions, newest first. */
  @Get('sessions')
  @ApiOkResponse({ type: SessionsDto })
  async list(@CurrentSession() current: Session): Promise<SessionsDto> {
    const open = await this.sessions.openOf(current.user.id);
    return { sessions: open.map(({ id, createdAt, amr }) => ({ id, createdAt, amr, current: id === current.id })) };
  }

  /** Ends that session. */
  @Delete('sessions/:id')
  @HttpCode(204)
  @ApiNoContentResponse()
  @ApiNotFoundResponse({ description: 'Not a session of this customer, or already ended.' })
  end(@CurrentSession() { user }: Session, @Param('id') id: string): Promise<void> {
    return this.sessions.end(id, user.id);
  }

  /** Ends the current session. */
  @Post('logout')
  @HttpCode(204)
  @ApiNoContentResponse()
  logout(@CurrentSession() { id, user }: Session): Promise<void> {
    return this.sessions.end(id, user.id);
  }
}
