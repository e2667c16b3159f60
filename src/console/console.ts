/** The operator's console: one page, whose addresses lie behind the `#`; it asks the API once a second. */
import "./console.css";
import { nothing, render } from "lit-html";
import { messageOf } from "../base/errors.ts";
import { browserClock } from "../player/browser-time.ts";
import { ApiClient } from "./api-client.ts";
import { frame } from "./frame.ts";
import { Notices } from "./notices.ts";
import { Observations } from "./observations.ts";
import { Absent } from "./pages/absent.ts";
import { Channel } from "./pages/channel.ts";
import { Counters } from "./pages/counters.ts";
import { Distribution } from "./pages/distribution.ts";
import { Overview } from "./pages/overview.ts";
import type { Page, PageContext } from "./pages/page.ts";
import { Publishers } from "./pages/publishers.ts";
import { Rule } from "./pages/rule.ts";
import { Viewer } from "./pages/viewer.ts";
import { Viewers } from "./pages/viewers.ts";
import { Wall } from "./pages/wall.ts";
import { Poller } from "./poller.ts";
import { type Route, readRoute, sameRoute } from "./route.ts";

const clock = browserClock();
const seen = new Observations(new ApiClient(clock), clock);
const notices = new Notices(clock, draw);
const context: PageContext = { seen, notices, draw, again: () => poller.again() };
const poller = new Poller(clock, document, refresh);
const root = document.querySelector<HTMLElement>("#console")!;
let route = readRoute(location.hash);
let page = openPage(route);

function openPage(to: Route): Page {
	switch (to.kind) {
		case "overview":
			return new Overview(context);
		case "channel":
			return new Channel(context, to.channel);
		case "viewers":
			return new Viewers(context, to.channel);
		case "viewer":
			return new Viewer(context, to.id);
		case "wall":
			return new Wall(context, to.channel);
		case "publishers":
			return new Publishers(context);
		case "counters":
			return new Counters(context);
		case "distribution":
			return new Distribution(context);
		case "rule":
			return new Rule(context, to.name);
		case "unknown":
			return new Absent(to.path);
	}
}

async function refresh(signal: AbortSignal): Promise<void> {
	try {
		// In this order: what a page makes of its answers, it makes with the channels' newest.
		await seen.refresh(signal);
		await page.refresh(signal);
		seen.problem = undefined;
	} catch (error) {
		if (signal.aborted) return;
		seen.problem = messageOf(error);
	}
	draw();
}

function draw(): void {
	document.title = `${page.title} – Penstock`;
	render(frame(route, seen, page.view(), notices.view()), root);
}

function go(): void {
	const to = readRoute(location.hash);
	if (sameRoute(to, route)) return;
	page.close();
	// Nothing of the page before is kept, pictures above all.
	render(nothing, root);
	route = to;
	page = openPage(to);
	draw();
	scrollTo(0, 0);
	document.querySelector<HTMLElement>("main h1")?.focus();
	poller.again();
}

globalThis.addEventListener("hashchange", go);
draw();
poller.again();
