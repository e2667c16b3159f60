/** The console opened in a browser, as an operator has it; what the browser complains of is kept. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";

const AXE = readFileSync(fileURLToPath(new URL("../../node_modules/axe-core/axe.min.js", import.meta.url)), "utf8");

export interface Look {
	readonly width: number;
	readonly scheme: "light" | "dark";
}

interface AxeFinding {
	readonly id: string;
	readonly impact: string | null;
	readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

export class ConsolePage {
	readonly page: Page;
	readonly #api: string;
	/** What the browser's own console was told, errors and warnings, breaches of the page's policy among them. */
	readonly complaints: string[] = [];

	/** Use `ConsolePage.open`. */
	constructor(page: Page, api: string) {
		this.page = page;
		this.#api = api;
		page.on("console", (message) => {
			const { url } = message.location();
			// The last report of a player that is just leaving may come when its session has ended.
			if (message.text().includes("404") && /\/report\/(network|status)$/.test(url)) return;
			if (["error", "warning"].includes(message.type())) this.complaints.push(`${message.text()} ${url}`);
		});
		page.on("pageerror", (error) => this.complaints.push(error.message));
	}

	/**
	 * @param api where the API and the console listen
	 * @param password that the operator gives when the browser asks for one
	 */
	static async open(browser: Browser, api: string, hash: string, look?: Look, password?: string): Promise<ConsolePage> {
		const context = await browser.newContext({
			viewport: { width: look?.width ?? 1280, height: 900 },
			colorScheme: look?.scheme ?? "light",
			reducedMotion: "reduce",
			...(password !== undefined && { httpCredentials: { username: "operator", password } }),
		});
		const opened = new ConsolePage(await context.newPage(), api);
		await opened.go(hash);
		return opened;
	}

	/** Goes to a page and waits until it shows what the API says. */
	async go(hash: string): Promise<void> {
		await this.page.goto(`${this.#api}/${hash}`);
		await this.page.locator("header .badge", { hasText: /^(live|no answer)$/ }).waitFor();
	}

	/** What axe calls serious or critical, a line each. */
	async seriousFindings(): Promise<string[]> {
		// By the debugger: the page's policy would not let a script in.
		await this.page.evaluate(AXE);
		const findings = await this.page.evaluate(async () => {
			const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: AxeFinding[] }> } };
			return (await axe.run()).violations;
		});
		return findings
			.filter(({ impact }) => impact === "serious" || impact === "critical")
			.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html}\n${failureSummary}`));
	}

	/** How far the page is wider than its window; 0 where it fits. */
	overflow(): Promise<number> {
		return this.page.evaluate(() =>
			Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth),
		);
	}

	async close(): Promise<void> {
		await this.page.context().close();
	}
}
