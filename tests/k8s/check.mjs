// Validates custom resources by what their packages have compiled of the CRDs' schemas: patterns, ranges, what is required.
// Reads [{module, object}, ...] on standard input; writes the mistakes of each. Fields that no schema knows pass here: the
// types find those (custom_resources.py).
import { readFileSync } from "node:fs";

const found = [];
for (const { module, object } of JSON.parse(readFileSync(0, "utf8"))) {
  const { validate } = await import(module);
  found.push(validate(object) ? [] : validate.errors.map((error) => `${error.instancePath} ${error.keyword} ${JSON.stringify(error.params)}`));
}
console.log(JSON.stringify(found));
