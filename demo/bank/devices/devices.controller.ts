import { Controller, Delete, Get, HttpCode, NotFoundException, Param } from '@nestjs/common';
import { ApiNoContentResponse, ApiNotFoundResponse, ApiOkResponse, ApiProperty, ApiTags } from '@nestjs/swagger';
import { TrustedDevices } from 'nestjs-phone-otp';

import type { Session } from '../session.entity.js';
import { CurrentSession, SignedIn } from '../signed-in.js';

class DeviceDto {
  @ApiProperty({ format: 'uuid' })
  id: string;
  @ApiProperty({ type: String, nullable: true, example: 'Firefox on Linux' })
  label: string | null;
  @ApiProperty()
  trustedAt: Date;
  @ApiProperty()
  lastUsedAt: Date;
  @ApiProperty()
  expiresAt: Date;
}

class DevicesDto {
  @ApiProperty({ type: [DeviceDto] })
  devices: DeviceDto[];
}

@ApiTags('Bank')
@Controller('auth/devices')
@SignedIn()
export class DevicesController {
  constructor(private readonly devices: TrustedDevices) {}

  /** Devices on which the customer logs in with the password alone, most recently used first. */
  @Get()
  @ApiOkResponse({ type: DevicesDto })
  async list(@CurrentSession() { user }: Session): Promise<DevicesDto> {
    return { devices: await this.devices.list(user.id) };
  }

  /** The next login on that device asks for a code again. */
  @Delete(':id')
  @HttpCode(204)
  @ApiNoContentResponse()
  @ApiNotFoundResponse({ description: 'Not a device of this customer, or no longer trusted.' })
  async revoke(@CurrentSession() { user }: Session, @Param('id') id: string): Promise<void> {
    if (!(await this.devices.revoke(user.id, id))) throw new NotFoundException();
  }
}
