/**
 * The gate in front of viewers: asked before a stream is sent, and again when what it granted ends; who has lost his
 * right is let go.
 */
import type { IncomingMessage } from "node:http";
import type { SwitchTold } from "../access/hook-message.ts";
import type { Clock, Timer } from "../base/clock.ts";
import { messageOf, PenstockError } from "../base/errors.ts";
import type { Name } from "../base/name.ts";
import { milliseconds } from "../base/units.ts";
import type { Door, Pass } from "../delivery/door.ts";
import type { AccessAnswer, AccessGate, AccessRequest } from "../wire/access.ts";
import type { AccessNotices } from "./access-host.ts";
import { accessRequestOf } from "./http-credentials.ts";
import { SwitchNotices } from "./switch-notices.ts";

export interface ViewerDoorOptions {
	readonly access: AccessGate & AccessNotices;
	readonly clock: Clock;
}

/** Wall clocks jump, so that a right which ends later is looked at so often. */
const LONGEST_LEG_MS = 30_000;
/** A gate that answers with what is over already is not asked in a circle. */
const SHORTEST_MS = 1000;

export class ViewerDoor implements Door {
	readonly #options: ViewerDoorOptions;

	constructor(options: ViewerDoorOptions) {
		this.#options = options;
	}

	async enter(request: IncomingMessage, app: Name, stream: Name): Promise<Pass> {
		const access = accessRequestOf(request, "play", app, stream);
		const answer = await askGate(this.#options.access, access);
		if (answer.kind === "refused") throw answer.error;
		return new ViewerPass(this.#options, access, answer.until);
	}
}

class ViewerPass implements Pass {
	readonly #options: ViewerDoorOptions;
	readonly #access: AccessRequest;
	#until: number | undefined;
	readonly #switches: SwitchNotices;
	#expel: ((error: PenstockError) => void) | undefined;
	#timer: Timer | undefined;
	#over = false;

	constructor(options: ViewerDoorOptions, access: AccessRequest, until: number | undefined) {
		this.#options = options;
		this.#access = access;
		this.#until = until;
		const tell = (told: SwitchTold): void => options.access.tell("on_switch", access, told);
		this.#switches = new SwitchNotices(options.clock, tell);
	}

	hold(expel: (error: PenstockError) => void): void {
		this.#expel = expel;
		this.#watch();
	}

	switched(from: Name, to: Name, because: string): void {
		if (!this.#over) this.#switches.note({ from, to, because });
	}

	/** Who was let in and never got to watch has stopped, too: a hook that counts knows him. */
	leave(): void {
		if (this.#over) return;
		this.#over = true;
		this.#timer?.cancel();
		this.#switches.close();
		this.#options.access.tell("on_stop", this.#access);
	}

	#watch(): void {
		if (this.#over || this.#until === undefined) return;
		const { clock } = this.#options;
		const left = this.#until - clock.wall();
		if (left <= 0) void this.#askAgain();
		else this.#timer = clock.after(milliseconds(Math.min(left, LONGEST_LEG_MS)), () => this.#watch());
	}

	async #askAgain(): Promise<void> {
		const { access, clock } = this.#options;
		const answer = await askGate(access, this.#access);
		if (this.#over) return;
		if (answer.kind === "refused") {
			this.#expel?.(answer.error);
			return;
		}
		this.#until = answer.until === undefined ? undefined : Math.max(answer.until, clock.wall() + SHORTEST_MS);
		this.#watch();
	}
}

async function askGate(gate: AccessGate, access: AccessRequest): Promise<AccessAnswer> {
	try {
		return await gate.ask(access);
	} catch (thrown) {
		const text = `leave could not be asked for: ${messageOf(thrown)}.`;
		return { kind: "refused", error: new PenstockError("INTERNAL", text, { cause: thrown }) };
	}
}
