/** Why packets, or copies of them, were not sent, as a table: each reason with what it means. */
import { html, type TemplateResult } from "lit-html";
import { DROP_REASONS, type DropCounts, type DropReason } from "../wire/distributor-drops.ts";
import { countText, packetRateText } from "./figure-text.ts";
import { emptyState, scrolling } from "./parts.ts";

/** What an engine that sees frames does not take, it leaves to the kernel. */
type Fate = "not taken" | "dropped" | "copy not sent";

const MEANINGS: Readonly<Record<DropReason, readonly [Fate, string]>> = {
	"short-frame": ["not taken", "the frame ends in its headers"],
	"nested-vlan": ["not taken", "a VLAN tag in a tag"],
	ethertype: ["not taken", "neither IPv4 nor IPv6"],
	"ip-header": ["not taken", "the IP header contradicts itself"],
	"ip-options": ["not taken", "IPv4 with options"],
	"ip-checksum": ["not taken", "the IPv4 header's checksum is wrong"],
	fragment: ["not taken", "a fragment of a larger packet"],
	"ip-extension": ["not taken", "IPv6 with extension headers"],
	"not-udp": ["not taken", "another protocol than UDP"],
	"udp-length": ["not taken", "UDP's length is not the packet's"],
	"no-media": ["not taken", "neither RTP, RTCP nor MPEG-TS"],
	"no-rule": ["not taken", "media that no rule takes"],
	"wrong-source": ["dropped", "not from the rule's publisher"],
	"wrong-media": ["not taken", "other media than the rule takes"],
	checksum: ["dropped", "the UDP checksum is wrong"],
	jumbo: ["dropped", "larger than the port's buffers"],
	missed: ["dropped", "came faster than it was taken"],
	"own-frame": ["dropped", "sent by this port itself"],
	draining: ["dropped", "the engine is ending"],
	"too-large": ["copy not sent", "larger than the port's MTU"],
	"no-neighbour": ["copy not sent", "no way to the receiver is known"],
	"packet-rate": ["copy not sent", "over the receiver's packets per second"],
	"bit-rate": ["copy not sent", "over the receiver's bits per second"],
	"queue-full": ["copy not sent", "the device takes no more"],
	"no-buffer": ["copy not sent", "no memory for it"],
	"send-failed": ["copy not sent", "the kernel refused it"],
};

/** In the order of the list, as counters of `Rates`. */
export const dropCounts = (drops: DropCounts): readonly number[] => DROP_REASONS.map((reason) => drops[reason] ?? 0);

/** What receivers should have got and did not. */
export const copiesNotSent = (drops: DropCounts): number =>
	DROP_REASONS.reduce((sum, reason) => sum + (MEANINGS[reason][0] === "copy not sent" ? (drops[reason] ?? 0) : 0), 0);

/** In a few words, for a cell. */
export const dropsText = (drops: DropCounts): string =>
	DROP_REASONS.filter((reason) => drops[reason])
		.map((reason) => `${countText(drops[reason])} ${reason}`)
		.join(", ");

/** @param rates of `dropCounts`, where they are known */
export function dropTable(caption: string, drops: DropCounts, rates: readonly number[] | undefined): TemplateResult {
	const there = DROP_REASONS.map((reason, at) => ({ reason, count: drops[reason] ?? 0, rate: rates?.[at] }))
		.filter(({ count }) => count > 0)
		.toSorted((a, b) => b.count - a.count);
	if (there.length === 0) return emptyState("Everything was sent.");
	const table = html`<table>
		<caption class="unseen">
			${caption}
		</caption>
		<thead>
			<tr>
				<th scope="col">Reason</th>
				<th scope="col">What it means</th>
				<th scope="col">So it was</th>
				<th scope="col" class="number">Count</th>
				<th scope="col" class="number">Now</th>
			</tr>
		</thead>
		<tbody>
			${there.map(({ reason, count, rate }) => {
				const [fate, meaning] = MEANINGS[reason];
				return html`<tr>
					<th scope="row">${reason}</th>
					<td>${meaning}</td>
					<td>${fate}</td>
					<td class="number">${countText(count)}</td>
					<td class="number">${packetRateText(rate)}</td>
				</tr>`;
			})}
		</tbody>
	</table>`;
	return scrolling(caption, table);
}
