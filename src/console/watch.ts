/**
 * The watch page, `/play/{app}/{stream}`: one channel with the whole window, and a link to hand on. The query chooses:
 * `?packaging=flv&renderer=mse&rendition=low&muted`.
 */
import "./watch.css";
import type { PenstockPlayerElement } from "../player/element/entry.ts";

const byId = (id: string): HTMLElement => document.getElementById(id)!;

/** Where nobody chooses: the packaging that has a form for every codec. */
const USUAL_PACKAGING = "mp4";
/** Handed on to the element as they are. */
const CHOICES = ["renderer", "rendition", "muted"];

/** As they stand in the address; the server has looked at them. */
const [app = "", stream = ""] = location.pathname.split("/").slice(-2);
const query = new URLSearchParams(location.search);

function openPlayer(): PenstockPlayerElement {
	const player = document.createElement("penstock-player");
	for (const name of CHOICES) if (query.has(name)) player.setAttribute(name, query.get(name)!);
	const packaging = encodeURIComponent(query.get("packaging") ?? USUAL_PACKAGING);
	player.setAttribute("src", `../../${app}/${stream}.${packaging}`);
	player.setAttribute("aria-label", `Live stream ${app}/${stream}`);
	player.controls = true;
	player.autoplay = true;
	player.addEventListener("error", ({ detail }) => {
		if (detail.serverCode === "CHANNEL_NOT_FOUND") showAbsent(detail.message);
	});
	return player;
}

function showAbsent(message: string): void {
	const heading = document.createElement("h2");
	heading.textContent = `There is no channel ${app}/${stream}`;
	const words = document.createElement("p");
	words.textContent = message;
	const again = document.createElement("button");
	again.textContent = "Look again";
	again.addEventListener("click", () => byId("stage").replaceChildren(openPlayer()));
	const absent = document.createElement("div");
	absent.className = "absent";
	absent.setAttribute("role", "alert");
	absent.append(heading, words, again);
	byId("stage").replaceChildren(absent);
}

/** Pages of plain http may not write to the clipboard: then it stands there to be copied by hand. */
async function copyLink(): Promise<void> {
	try {
		await navigator.clipboard.writeText(location.href);
		byId("copied").textContent = "Copied";
	} catch {
		const address = byId("address") as HTMLInputElement;
		address.hidden = false;
		address.value = location.href;
		address.select();
	}
}

document.title = `${stream} · Penstock`;
const place = document.createElement("small");
place.textContent = `${app}/`;
byId("title").replaceChildren(place, stream);
byId("copy").addEventListener("click", () => void copyLink());
byId("stage").append(openPlayer());
