import type { SimulatedRequest } from 'nestjs-phone-otp/simulators';

/** The form fields that the vendor received. */
export async function formOf({ bytes, headers }: SimulatedRequest): Promise<Record<string, unknown>> {
  const type = headers['content-type']!;
  return Object.fromEntries(
    await new Response(new Uint8Array(bytes), { headers: { 'content-type': type } }).formData(),
  );
}
