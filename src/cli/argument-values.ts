/** Values that several commands take: read from the text of an argument, or refused in the words of the command line. */
import { InvalidArgumentError } from "commander";
import { isName } from "../base/name.ts";

/** An IP address and a UDP port. */
export interface Endpoint {
	readonly address: string;
	readonly port: number;
}

/** `10.0.0.1:5004` or `[fd00::1]:5004`: the form alone is judged here. */
export function endpointIn(text: string): Endpoint | undefined {
	const [, six, four, port] = /^(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+)):(\d{1,5})$/.exec(text) ?? [];
	const address = six ?? four;
	return address === undefined ? undefined : { address, port: Number(port) };
}

export const httpUrl =
	(example: string) =>
	(text: string): URL => {
		const url = URL.canParse(text) ? new URL(text) : undefined;
		if (url?.protocol === "http:" || url?.protocol === "https:") return url;
		throw new InvalidArgumentError(`it begins with http:// or https://, for example ${example}`);
	};

/** Of a rule, a rendition. */
export function nameValue(text: string): string {
	if (!isName(text)) throw new InvalidArgumentError("a name has 1 to 128 of the characters A-Z a-z 0-9 _ -");
	return text;
}
