/** RTMP's machine with nothing around it: leave to publish is given at once, and all that it wants is noted. */
import type { PenstockError } from "../../src/base/errors.ts";
import { epochMs, milliseconds } from "../../src/base/units.ts";
import { PublicationFigures } from "../../src/ingest/publication-figures.ts";
import { Publication, type PublicationSink } from "../../src/ingest/publications.ts";
import { RtmpConnection } from "../../src/ingest/rtmp/connection.ts";
import type { StreamSink } from "../../src/media/stream-reader.ts";
import type { AccessRequest } from "../../src/wire/access.ts";
import { ManualClock } from "./manual-clock.ts";

export class RtmpMachine {
	readonly connection: RtmpConnection;
	/** Why it closed the connection; one at the most. */
	readonly closes: (PenstockError | undefined)[] = [];
	/** Leave that was asked for, and given. */
	publications = 0;
	/** What was sent after it had closed the connection. */
	sentLate = 0;
	readonly #sink: StreamSink;
	readonly #clock = new ManualClock();

	constructor(sink: StreamSink) {
		this.#sink = sink;
		const [clock, timeout] = [this.#clock, milliseconds(10_000)];
		const random = (count: number): Uint8Array => new Uint8Array(count);
		this.connection = new RtmpConnection(
			{ clock, random, address: "192.0.2.1", setupTimeout: timeout, idleTimeout: timeout },
			{
				send: ({ length }) => {
					if (this.closes.length > 0) this.sentLate += length;
				},
				ask: (request) => this.#admit(request),
				goOn: () => undefined,
				close: (because) => this.closes.push(because),
			},
		);
	}

	#admit({ app, stream }: AccessRequest): void {
		this.publications++;
		const info = { id: 1, app, stream, protocol: "rtmp", address: "", principal: "", since: epochMs(0) } as const;
		const inner = this.#sink;
		const sink: PublicationSink = {
			accessUnit: (accessUnit) => inner.accessUnit(accessUnit),
			decodeInformation: (decode) => inner.decodeInformation?.(decode),
			unitStart: (unit) => inner.unitStart?.(unit),
			fault: (error) => inner.fault?.(error),
			end: () => undefined,
		};
		const figures = new PublicationFigures(this.#clock);
		const publication = new Publication({ info, sink, publisher: this.connection, figures, forget: () => undefined });
		this.connection.answer({ kind: "admitted", publication });
	}
}
