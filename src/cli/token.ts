/** `penstock token`: what a client has to show to publish or to watch one stream. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { PenstockError } from "../base/errors.ts";
import { isName, type Name } from "../base/name.ts";
import type { TokenMeans } from "../server/access-token.ts";
import type { Config } from "../server/config.ts";
import { nodeClock } from "../server/node-time.ts";

interface TokenOptions {
	readonly config: string;
	readonly key?: string;
	readonly signed?: string;
	readonly jwt?: string;
	readonly for: number;
	readonly once?: boolean;
}

const VERBS = ["publish", "play"] as const;
const MEANS = ["key", "signed", "jwt"] as const satisfies readonly TokenMeans[];

export function addToken(
	program: Command,
	file: readonly [string, string, string],
	load: (options: TokenOptions) => Promise<Config>,
	done: (code: number) => void,
): void {
	program
		.command("token")
		.description("print what is to be added to a URL's query, to publish or to play one stream")
		.argument("<verb>", "publish or play", verb)
		.argument("<stream>", "such as live/cam", path)
		.option(...file)
		.addOption(new Option("--key <name>", "the key of this name, as it is").conflicts(["signed", "jwt"]))
		.addOption(new Option("--signed <name>", "signed by the key of this name").conflicts(["key", "jwt"]))
		.addOption(new Option("--jwt <name>", "a token of the issuer of this name, whose key is shared"))
		.option("--for <seconds>", "how long it is good; a key is good until it is changed", seconds, 3600)
		.option("--once", "good for one time (signed alone)")
		.action(async (wanted: (typeof VERBS)[number], stream: StreamPath, options: TokenOptions) => {
			const { makeToken } = await import("../server/access-token.ts");
			const { access } = await load(options);
			if (access === undefined) {
				const text = 'the configuration has neither "access" nor "publish": there is nothing to show.';
				throw new PenstockError("ACCESS_SETTING", text);
			}
			const means = MEANS.find((one) => options[one] !== undefined) ?? "key";
			const now = nodeClock().wall();
			const wish = {
				...{ verb: wanted, ...stream, means, name: options[means] ?? "publish" },
				...{ now, expires: now + options.for * 1000, once: options.once === true },
			};
			process.stdout.write(`${await makeToken(access, wish, process.env)}\n`);
			done(0);
		});
}

function verb(text: string): (typeof VERBS)[number] {
	const found = VERBS.find((one) => one === text);
	if (found === undefined) throw new InvalidArgumentError("it is publish or play");
	return found;
}

interface StreamPath {
	readonly app: Name;
	readonly stream: Name;
}

function path(text: string): StreamPath {
	const [app = "", stream = "", ...more] = text.split("/");
	if (!isName(app) || !isName(stream) || more.length > 0) throw new InvalidArgumentError("it is app/stream");
	return { app, stream };
}

function seconds(text: string): number {
	const number = Number(text);
	if (!(number > 0 && number <= 1e9)) throw new InvalidArgumentError("it is a number of seconds above 0");
	return number;
}
