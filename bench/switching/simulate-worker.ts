/** A thread of `simulate`: makes the contenders, then runs worlds until none is left. */
import { parentPort, workerData } from "node:worker_threads";
import type { Contender } from "./model.ts";
import { runWorlds, type WorkerTask } from "./simulate.ts";

const task = workerData as WorkerTask;
const contenders = await Promise.all(
	task.simulation.contenders.map(async ({ module, make, settings }): Promise<Contender> => {
		const exported = (await import(module)) as Record<string, unknown>;
		const maker = exported[make];
		if (typeof maker !== "function") throw new Error(`${module} exports no function "${make}".`);
		return maker(settings) as Contender;
	}),
);
for (const done of runWorlds(task, contenders)) parentPort!.postMessage(done);
