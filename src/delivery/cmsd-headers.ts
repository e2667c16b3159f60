/**
 * What a stream's own answer says in the words of CMSD (CTA-5006): sound and picture together, in no format of segments,
 * live. A header goes out once and the response lasts for hours: what changes is told in the answers to reports.
 */
import { encodeCmsdDynamic, encodeCmsdStatic } from "@svta/cml-cmsd";
import { SfItem } from "@svta/cml-structured-field-values";

/** @param duress whether the server asks its viewers to go elsewhere */
export function cmsdHeaders(lead: "video" | "audio", duress: boolean): Record<string, string> {
	return {
		"CMSD-Static": encodeCmsdStatic({ n: "penstock", ot: lead === "video" ? "av" : "a", sf: "o", st: "l" }),
		...(duress && { "CMSD-Dynamic": encodeCmsdDynamic([new SfItem("penstock", { du: true })]) }),
	};
}
