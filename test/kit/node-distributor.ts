/**
 * A distributor as a process of its own, with Node's sockets: takes the command line of the native one, so that what
 * supervises a distributor can be tried where none has been built. `--fail TEXT` complains and ends at once.
 */
import { parseArgs } from "node:util";
import { ControlServer } from "../../src/distribution/control-server.ts";
import { NodeEngine } from "../../src/distribution/node-engine.ts";
import { nodeClock } from "../../src/server/node-time.ts";

const { values } = parseArgs({
	options: {
		...{ engine: { type: "string" }, control: { type: "string" }, fail: { type: "string" } },
		"end-with-parent": { type: "boolean" },
	},
});

const complain = (text: string): void => console.error(JSON.stringify({ level: "error", event: "test", text }));

if (values.fail !== undefined) {
	complain(values.fail);
	process.exit(1);
}

const engine = new NodeEngine({ clock: nodeClock(), version: "0.0.0" });
const server = await ControlServer.open({
	engine,
	path: values.control ?? "",
	onQuit: () => process.exit(0),
	log: complain,
});
await engine.start({ state: () => {}, event: (event) => server.event(event) });
process.on("SIGTERM", () => process.exit(0));
if (values["end-with-parent"] === true) {
	const parent = process.ppid;
	// Node.js has no word for it: an orphan has another parent.
	setInterval(() => process.ppid === parent || process.exit(0), 100);
}
