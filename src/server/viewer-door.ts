/**
 * The gate in front of viewers: asked before a stream is sent, and again when what it granted ends; who has lost his
 * right is let go.
 */
import type { IncomingMessage } from "node:http";
import type { SwitchTold } from "../access/hook-message.ts";
import type { Clock } from "../base/clock.ts";
import type { PenstockError } from "../base/errors.ts";
import type { Name } from "../base/name.ts";
import type { Door, Pass } from "../delivery/door.ts";
import type { AccessGate, AccessRequest } from "../wire/access.ts";
import { askGate, RightWatch } from "../wire/right-watch.ts";
import type { AccessNotices } from "./access-host.ts";
import { accessRequestOf } from "./http-credentials.ts";
import { SwitchNotices } from "./switch-notices.ts";

export interface ViewerDoorOptions {
	readonly access: AccessGate & AccessNotices;
	readonly clock: Clock;
}

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
	readonly #until: number | undefined;
	readonly #switches: SwitchNotices;
	#right: RightWatch | undefined;
	#over = false;

	constructor(options: ViewerDoorOptions, access: AccessRequest, until: number | undefined) {
		this.#options = options;
		this.#access = access;
		this.#until = until;
		const tell = (told: SwitchTold): void => options.access.tell("on_switch", access, told);
		this.#switches = new SwitchNotices(options.clock, tell);
	}

	hold(expel: (error: PenstockError) => void): void {
		const { access: gate, clock } = this.#options;
		const right = { request: this.#access, until: this.#until };
		this.#right = new RightWatch({ gate, clock, right, onLost: expel });
	}

	switched(from: Name, to: Name, because: string): void {
		if (!this.#over) this.#switches.note({ from, to, because });
	}

	/** Who was let in and never got to watch has stopped, too: a hook that counts knows him. */
	leave(): void {
		if (this.#over) return;
		this.#over = true;
		this.#right?.end();
		this.#switches.close();
		this.#options.access.tell("on_stop", this.#access);
	}
}
