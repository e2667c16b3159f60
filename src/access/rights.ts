/** Which means there are for what is asked: the rights that match its stream, its verb and its address. */
import type { AccessRequest, Verb } from "../wire/access.ts";
import { type Network, networkHas, parseIp, parseNetwork } from "./ip-address.ts";
import { parsePattern, patternHas, type StreamPattern } from "./pattern.ts";
import type { Means, RightSettings } from "./settings.ts";

interface Right {
	readonly pattern: StreamPattern;
	readonly verbs: readonly Verb[];
	readonly by: readonly Means[];
	readonly from: readonly Network[] | undefined;
}

export class Rights {
	readonly #rights: readonly Right[];

	/** @param settings without problems; what has one is no right at all */
	constructor(settings: readonly RightSettings[]) {
		this.#rights = settings.flatMap(({ match, verbs, by, from }) => {
			const pattern = parsePattern(match);
			const networks = from?.map((text) => parseNetwork(text));
			if (pattern === undefined || networks?.includes(undefined)) return [];
			return [{ pattern, verbs, by, from: networks as readonly Network[] | undefined }];
		});
	}

	/** Empty where nobody may. */
	meansFor({ verb, app, stream, address }: AccessRequest): readonly Means[] {
		const isFrom = (networks: readonly Network[]): boolean => {
			const bytes = parseIp(address);
			return bytes !== undefined && networks.some((network) => networkHas(network, bytes));
		};
		return this.#rights
			.filter(({ pattern, verbs }) => verbs.includes(verb) && patternHas(pattern, app, stream))
			.filter(({ from }) => from === undefined || isFrom(from))
			.flatMap(({ by }) => by);
	}
}
