// A real OpenID provider (oidc-provider, certified), for tests. Usage: node provider.mjs NODE_MODULES CONFIGURATION,
// where the configuration is JSON: client (its metadata) and people (claims by subject). Says its issuer on stdout.
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [modules, configuration] = process.argv.slice(2);
const { client, people } = JSON.parse(configuration);
const found = createRequire(join(modules, "_")).resolve("oidc-provider");
const { default: Provider } = await import(pathToFileURL(found).href);

const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [client],
    claims: { openid: ["sub"], profile: ["name", "preferred_username", "groups"], email: ["email"] },
    findAccount: (_, sub) => people[sub] && { accountId: sub, claims: () => ({ sub, ...people[sub] }) },
    cookies: { keys: ["of these tests only"] },
    features: {
      clientCredentials: { enabled: true },
      // A token for a resource is signed for it alone, so that whoever has it can read it without asking here.
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: (_, resource) => ({ scope: "", audience: resource, accessTokenFormat: "jwt" }),
      },
    },
  });
  server.on("request", provider.callback());
  console.log(issuer);
});
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
