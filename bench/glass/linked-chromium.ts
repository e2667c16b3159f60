/**
 * Chromium in a network namespace. Its DevTools port would be out of reach there, so that it is steered through pipes,
 * which pass into the namespace.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { makeTempDir } from "../../test/kit/temp-dir.ts";

/** As test/kit/chromium.ts has them, as far as they are not playwright's own. */
const OPTIONS: readonly string[] = ["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"];

export async function startLinkedChromium(namespace: string): Promise<Browser> {
	const directory = makeTempDir("linked-chromium");
	const program = join(directory, "chromium");
	writeFileSync(program, `#!/bin/sh\nexec ip netns exec ${namespace} chromium "$@"\n`, { mode: 0o755 });
	return await chromium.launch({
		...{ executablePath: program, args: [...OPTIONS], env: { ...process.env, HOME: directory } },
		// A muted page's timers are throttled, and its player may do without sound.
		ignoreDefaultArgs: ["--mute-audio"],
	});
}
