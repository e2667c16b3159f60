/** Chromium without a window, in a process group of its own, steered by way of its DevTools port. */
import { type Browser, chromium } from "playwright-core";
import { type RunningProcess, startProcess } from "./processes.ts";
import { makeTempDir } from "./temp-dir.ts";

/** What keeps a page in the background as fast as one in front, which browsers as people have them do not. */
export const UNTHROTTLED: readonly string[] = [
	"--disable-background-timer-throttling",
	"--disable-backgrounding-occluded-windows",
	"--disable-renderer-backgrounding",
];

const OPTIONS: readonly string[] = [
	"--headless=new",
	"--remote-debugging-port=0",
	// Chromium refuses a sandbox to root, and containers have no shared memory to speak of.
	"--no-sandbox",
	"--disable-dev-shm-usage",
	"--disable-gpu",
	"--no-first-run",
	"--no-default-browser-check",
	"--disable-extensions",
	"--disable-component-update",
	"--disable-background-networking",
	// Nobody is there to press "play".
	"--autoplay-policy=no-user-gesture-required",
	...UNTHROTTLED,
];

/** Starts it; it ends with the test file. */
export async function startChromium(): Promise<Browser> {
	return await chromium.connectOverCDP((await launchChromium()).endpoint);
}

/**
 * The same for whoever speaks DevTools by another library, or needs its process.
 * @param without options of ours that this test is not to have
 */
export async function launchChromium(
	without: readonly string[] = [],
): Promise<{ endpoint: string; process: RunningProcess }> {
	const directory = makeTempDir("chromium");
	const options = OPTIONS.filter((option) => !without.includes(option));
	const process = startProcess("chromium", [...options, `--user-data-dir=${directory}`, "about:blank"], {
		env: { HOME: directory },
	});
	const [, endpoint] = await process.waitForLine(/^DevTools listening on (ws:\S+)/, 30_000);
	return { endpoint: endpoint!, process };
}
