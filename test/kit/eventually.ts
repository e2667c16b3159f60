/**
 * For what announces itself by no event (another process's state behind an API): asks again and again until it is so.
 * @throws Error with what the last attempt said, when `timeoutMs` have passed
 */
export async function eventually<Value>(attempt: () => Promise<Value>, timeoutMs = 10_000): Promise<Value> {
	const deadline = performance.now() + timeoutMs;
	for (;;) {
		try {
			return await attempt();
		} catch (error) {
			if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms`, { cause: error });
		}
		await new Promise((resolve) => setTimeout(resolve, 25));
	}
}
