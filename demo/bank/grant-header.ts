import { applyDecorators } from '@nestjs/common';
import { ApiHeader, ApiUnauthorizedResponse } from '@nestjs/swagger';

/** Documents the header of a route that takes a grant, and the grant's purpose. */
export const TakesGrant = (purpose: string, { required = true }: { required?: boolean } = {}) =>
  applyDecorators(
    ApiHeader({ name: 'OTP-Grant', required, description: `From /otp/verify, with purpose "${purpose}".` }),
    ApiUnauthorizedResponse({
      description: required
        ? 'grant_required, grant_invalid'
        : 'grant_invalid; without a grant insufficient_user_authentication, with the challenge to verify',
    }),
  );
