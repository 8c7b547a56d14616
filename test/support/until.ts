/** Waits until a condition holds. If it never does, the error names the condition. */
export async function until(what: string, happened: () => unknown, seconds = 30): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  while (!(await happened())) {
    if (Date.now() > deadline) throw new Error(`not within ${seconds} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
