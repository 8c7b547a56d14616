import type { SimulatedRequest } from 'nestjs-phone-otp/simulators';

/** The fields of a form as the vendor received it. */
export async function formOf({ bytes, headers }: SimulatedRequest): Promise<Record<string, unknown>> {
  const type = headers['content-type']!;
  return Object.fromEntries(
    await new Response(new Uint8Array(bytes), { headers: { 'content-type': type } }).formData(),
  );
}
