import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';

/**
 * Some purposes belong to a signed-in account, others to anyone. A login ends the session whose token the request
 * carries.
 */
const TOKEN_OPTIONAL = [
  '/otp/start',
  '/otp/verify',
  '/auth/register',
  '/auth/login',
  '/auth/password/login',
  '/auth/password/login/recovery',
];

/** Swagger UI at /docs. The package documents the fields of its own routes. */
export function mountDocs(app: INestApplication): void {
  const about = new DocumentBuilder()
    .setTitle('Demo Bank')
    .setDescription(
      'Start a code, read it in the inbox, verify it, and use the grant. Nothing is sent to anyone: ' +
        'the inbox shows what a phone would have received.',
    )
    .addBearerAuth({ type: 'http', scheme: 'bearer', bearerFormat: 'JWT' })
    .build();
  const document = SwaggerModule.createDocument(app, about);
  for (const path of TOKEN_OPTIONAL) {
    const operation = document.paths[path]?.post;
    if (operation) operation.security = [{}, { bearer: [] }];
  }
  SwaggerModule.setup('docs', app, document);
}
