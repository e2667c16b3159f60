/** Firefox without a window, in a process group of its own, with a sound card of its own, steered by WebDriver BiDi. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Browser, connect } from "puppeteer-core";
import { startNullSink } from "./null-sink.ts";
import { startProcess } from "./processes.ts";
import { makeTempDir } from "./temp-dir.ts";

const PREFERENCES: Readonly<Record<string, string | number | boolean>> = {
	// Nobody is there to press "play".
	"media.autoplay.default": 0,
	"media.autoplay.blocking_policy": 0,
	// Containers let no process drop its rights further.
	"security.sandbox.content.level": 0,
	// Nothing but the test's own servers is asked for anything.
	"app.normandy.enabled": false,
	"app.update.disabledForTesting": true,
	"browser.region.network.url": "",
	"browser.safebrowsing.provider.google4.updateURL": "",
	"browser.search.update": false,
	"browser.shell.checkDefaultBrowser": false,
	"browser.startup.homepage_override.mstone": "ignore",
	"browser.startup.page": 0,
	"browser.topsites.contile.enabled": false,
	"datareporting.policy.dataSubmissionEnabled": false,
	"dom.push.connection.enabled": false,
	"extensions.getAddons.cache.enabled": false,
	"extensions.systemAddon.update.enabled": false,
	"extensions.update.enabled": false,
	"media.gmp-manager.updateEnabled": false,
	"network.captive-portal-service.enabled": false,
	"network.connectivity-service.enabled": false,
	"services.settings.server": "data:,#remote-settings-dummy/v1",
	"toolkit.telemetry.server": "",
	// Its own slow-down watch would end a page that is busy.
	"dom.max_script_run_time": 0,
};

/** Starts it; it ends with the test file. */
export async function startFirefox(): Promise<Browser> {
	const profile = makeTempDir("firefox");
	const lines = Object.entries(PREFERENCES).map(
		([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`,
	);
	writeFileSync(join(profile, "user.js"), lines.join(""));
	const { env } = await startNullSink();
	const options = ["--headless", "--new-instance", "--remote-debugging-port=0", "--profile", profile];
	const running = startProcess("firefox-esr", [...options, "about:blank"], {
		env: { ...env, HOME: profile, MOZ_CRASHREPORTER_DISABLE: "1", DBUS_SESSION_BUS_ADDRESS: undefined },
	});
	const [, endpoint] = await running.waitForLine(/^WebDriver BiDi listening on (ws:\S+)/, 60_000);
	return await connect({ browserWSEndpoint: `${endpoint}/session`, protocol: "webDriverBiDi", defaultViewport: null });
}
