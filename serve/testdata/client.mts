// A client of the server, made of its document by openapi-typescript, as a program of others would be. It is given the
// address and the token of a server, and prints what it was answered as JSON.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

declare const process: { argv: string[] };
const [baseUrl, token] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}` } });

const models = await client.GET("/v1/models");
const names: string[] = models.data!.models.map((m) => m.name);

const decoded = await client.POST("/v1/models/{model}/decode", {
  params: { path: { model: "cnn-vae" } },
  body: { codes: [[0.5, -1]] },
});
const items: number[][] = (decoded.data as components["schemas"]["Items"]).items;

const picture = await client.GET("/v1/sample", { params: { query: { seed: 7 } }, parseAs: "arrayBuffer" });

const encoded = await client.POST("/v1/encode", { body: { items: items } });
const codes: number[][] = (encoded.data as components["schemas"]["Codes"]).codes;

const wrong = await client.POST("/v1/models/{model}/decode", {
  params: { path: { model: "cvae" } },
  body: { seeds: [1] },
});
const problem: components["schemas"]["Problem"] = wrong.error as components["schemas"]["Problem"];

console.log(JSON.stringify({
  names,
  pixels: items[0].length,
  codes,
  picture: (picture.data as unknown as ArrayBuffer).byteLength,
  status: problem.status,
  field: problem.field,
}));
