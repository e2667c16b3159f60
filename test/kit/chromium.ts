/** Chromium without a window, in a process group of its own, steered by way of its DevTools port. */
import { type Browser, chromium } from "playwright-core";
import { startProcess } from "./processes.ts";
import { makeTempDir } from "./temp-dir.ts";

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
	// Nobody is there to press "play", and a page in the background must not be slowed down.
	"--autoplay-policy=no-user-gesture-required",
	"--disable-background-timer-throttling",
	"--disable-backgrounding-occluded-windows",
	"--disable-renderer-backgrounding",
];

/** Starts it; it ends with the test file. */
export async function startChromium(): Promise<Browser> {
	const directory = makeTempDir("chromium");
	const running = startProcess("chromium", [...OPTIONS, `--user-data-dir=${directory}`, "about:blank"], {
		env: { HOME: directory },
	});
	const [, endpoint] = await running.waitForLine(/^DevTools listening on (ws:\S+)/, 30_000);
	return await chromium.connectOverCDP(endpoint!);
}
