import { Controller, Get, Module, NotFoundException, Param, Post } from '@nestjs/common';
import { CountryRouter, Failover, OtpModule } from 'nestjs-phone-otp';
import { TaqnyatSms } from 'nestjs-phone-otp/taqnyat';
import { TwilioSms } from 'nestjs-phone-otp/twilio';
import { UnifonicSms } from 'nestjs-phone-otp/unifonic';
import { TaqnyatSimulator, TwilioSimulator, UnifonicSimulator } from 'nestjs-phone-otp/simulators';

import { database, options, routes, serve } from '../support/example.js';

const vendors = {
  taqnyat: await new TaqnyatSimulator().start(),
  unifonic: await new UnifonicSimulator().start(),
  twilio: await new TwilioSimulator().start(),
};

/** Saudi numbers go to Taqnyat, and to Unifonic if Taqnyat certainly sent nothing; all others go to Twilio. */
const provider = new CountryRouter({
  SA: new Failover([
    new TaqnyatSms({ ...vendors.taqnyat.access, sender: 'Acme' }),
    new UnifonicSms(vendors.unifonic.access),
  ]),
  default: new TwilioSms(vendors.twilio.access),
});

@Controller()
class VendorsController {
  /** The messages on a phone, and the vendor that delivered each. */
  @Get('inbox/:phone')
  inbox(@Param('phone') phone: string) {
    const found = Object.entries(vendors).flatMap(([by, vendor]) =>
      vendor.messages(phone).map(({ text }) => ({ by, text })),
    );
    if (found.length === 0) throw new NotFoundException('No message yet.');
    return found;
  }

  /** Stops a vendor abruptly. */
  @Post('vendors/:name/stop')
  async stop(@Param('name') name: keyof typeof vendors) {
    await vendors[name].stop();
    return { stopped: name };
  }
}

@Module({
  imports: [database, routes, OtpModule.forRoot(provider, { ...options, regions: ['SA', 'GB'] })],
  controllers: [VendorsController],
})
class AppModule {}

await serve(AppModule);
