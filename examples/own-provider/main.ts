import { Controller, Get, Module, NotFoundException, Param } from '@nestjs/common';
import { OtpModule } from 'nestjs-phone-otp';

import { database, options, routes, serve } from '../support/example.js';
import { AcmeSimulator, AcmeSms } from './acme-sms.js';

const acme = await new AcmeSimulator().start();

@Controller('inbox')
class InboxController {
  @Get(':phone')
  newest(@Param('phone') phone: string) {
    const [message] = acme.messages(phone);
    if (!message) throw new NotFoundException('No message yet.');
    return { text: message.text, code: message.code };
  }
}

@Module({
  // In production: new AcmeSms({ apiKey: process.env.ACME_API_KEY! })
  imports: [database, routes, OtpModule.forRoot(new AcmeSms(acme.access), options)],
  controllers: [InboxController],
})
class AppModule {}

await serve(AppModule);
