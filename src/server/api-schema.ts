/** Parts of which the OpenAPI document's entries are made. */
import * as z from "zod";
import { apiError } from "./api-model.ts";

export const jsonSchema = (schema: z.ZodType): object => {
	const { $schema: _, ...rest } = z.toJSONSchema(schema, { target: "draft-2020-12" });
	return rest;
};

export const TEXT = { type: "string" };

export const parameters = (...names: readonly string[]): object => ({
	type: "object",
	properties: Object.fromEntries(names.map((name) => [name, TEXT])),
	required: names,
});

export const response = (description: string, schema: object): object => ({ description, ...schema });
export const ok = (schema: object): object => response("As asked.", schema);

const ERROR = jsonSchema(apiError);
export const refusal = (description: string): object => response(description, ERROR);
