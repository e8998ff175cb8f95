/** Waiting for a condition instead of for a time. */
const POLL_MS = 25;

/**
 * Asks until the answer is neither `null` nor `false`, and returns it. `what` completes the sentence "did not happen
 * within N ms: …"; errors of the question count as "not yet" and are named at the end.
 */
export async function until<T>(
  what: string,
  limitMs: number,
  question: () => Promise<T | null | false> | T | null | false,
): Promise<T> {
  const endMs = performance.now() + limitMs;
  let lastError: unknown = null;
  for (;;) {
    try {
      const answer = await question();
      if (answer !== null && answer !== false) return answer;
      lastError = null;
    } catch (error) {
      lastError = error;
    }
    if (performance.now() > endMs) {
      throw new Error(`did not happen within ${limitMs} ms: ${what}`, { cause: lastError });
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
