import { expect, test } from "vitest";
import { parseNetwork } from "../../distribution/network.ts";
import { MulticastGroups } from "./multicast-groups.ts";

test("each stream has a group of the network, until all are taken", () => {
	const groups = new MulticastGroups(parseNetwork("239.255.80.4/30")!);
	const taken = [1, 2, 3, 4].map(() => groups.take());
	expect(new Set(taken)).toEqual(new Set(["239.255.80.4", "239.255.80.5", "239.255.80.6", "239.255.80.7"]));
	expect(groups.take()).toBeUndefined();
	groups.release("239.255.80.6");
	expect(groups.take()).toBe("239.255.80.6");
});

test("the group that has just been left is not the next", () => {
	const groups = new MulticastGroups(parseNetwork("239.255.255.0/24")!);
	const first = groups.take()!;
	groups.release(first);
	expect(groups.take()).not.toBe(first);
});
