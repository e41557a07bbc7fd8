// What an application behind Access does with a token, as Cloudflare's documentation shows it for JavaScript, with `jose`:
// https://developers.cloudflare.com/cloudflare-one/access-controls/applications/http-apps/authorization-cookie/validating-json/
// And what a browser does on the sign-in page. Prints what came of it as JSON.

import { X509Certificate, createPublicKey } from "node:crypto";
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from "jose";

const [team] = process.argv.slice(2);
const audience = "4714c1358e65fe4b408ad6d432a5f878f08194bdb4752441fd56faefa9b2b6f2";
const seen = {};

async function verified(token) {
  const keys = createRemoteJWKSet(new URL(`${team}/cdn-cgi/access/certs`));
  try {
    return (await jwtVerify(token, keys, { issuer: team, audience, algorithms: ["RS256"] })).payload;
  } catch (error) {
    return error.code;
  }
}

async function post(path, body, headers = {}) {
  const response = await fetch(`${team}${path}`, { method: "POST", headers, body, redirect: "manual" });
  return { status: response.status, headers: Object.fromEntries(response.headers), text: await response.text() };
}

async function token(body) {
  const answer = await post("/__emulator/access/token", JSON.stringify({ audience, ...body }));
  return JSON.parse(answer.text).token;
}

const certs = async () => (await fetch(`${team}/cdn-cgi/access/certs`)).json();
const rotate = async () => JSON.parse((await post("/__emulator/access/rotate", "")).text).kid;

// A person signs in.
const login = "/cdn-cgi/access/login/localhost:8787";
const query = `?kid=${audience}&redirect_url=%2Fadmin%3Fpage%3D2`;
const page = await fetch(`${team}${login}${query}`);
seen.page = [page.status, page.headers.get("content-type"), (await page.text()).includes('name="email"')];
const form = { "content-type": "application/x-www-form-urlencoded" };
const signedIn = await post(login + query, "email=ada%40example.com", { ...form, origin: team });
seen.redirect = [signedIn.status, signedIn.headers.location];
const [pair, ...attributes] = signedIn.headers["set-cookie"].split("; ");
seen.cookie = [pair.split("=")[0], ...attributes];
const ada = pair.slice(pair.indexOf("=") + 1);
const { sub, identity_nonce, iat, exp, nbf, ...claims } = await verified(ada);
seen.person = claims;
seen.times = [exp - iat, nbf - iat, typeof sub, typeof identity_nonce];
seen.out = (await post("/cdn-cgi/access/logout", "")).headers["set-cookie"];

// Nobody is sent elsewhere, and no page of another origin signs anybody in.
seen.elsewhere = [];
for (const path of [
  `/cdn-cgi/access/login/evil.test?kid=${audience}`,
  `/cdn-cgi/access/login/localhost:8787@evil.test?kid=${audience}`,
  `/cdn-cgi/access/login/localhost:?kid=${audience}`,
  `${login}?kid=${audience}&redirect_url=%2F%2Fevil.test`,
  `${login}?kid=${audience}&redirect_url=%2F%5Cevil.test`,
  `${login}?kid=${audience}&redirect_url=https%3A%2F%2Fevil.test`,
  `${login}?kid=${audience}&redirect_url=%2F%0Ax`,
  `${login}?redirect_url=%2F`,
]) {
  seen.elsewhere.push((await post(path, "email=ada%40example.com", { ...form, origin: team })).status);
}
seen.foreign = (await post(login + query, "email=ada%40example.com", { ...form, origin: "http://evil.test" })).status;

// A script, and claims of one's own.
const { iat: _, exp: __, ...script } = await verified(await token({ service_token: "e367826f.access" }));
seen.script = script;
seen.claims = (await verified(await token({ email: "ada@example.com", claims: { custom: { groups: ["sre"] }, sub: null } }))).custom;
seen.expired = await verified(await token({ email: "ada@example.com", claims: { exp: 1 } }));
seen.unclear = (await post("/__emulator/access/token", JSON.stringify({ audience }))).status;

// Both keys, as they are listed and as certificates.
const before = await certs();
seen.listed = [before.keys.length, before.public_certs.length, before.public_cert.kid === decodeProtectedHeader(ada).kid];
seen.certificates = before.public_certs.map(({ kid, cert }) => {
  const certificate = new X509Certificate(cert);
  const jwk = createPublicKey({ key: before.keys.find((key) => key.kid === kid), format: "jwk" });
  return certificate.publicKey.equals(jwk) && certificate.verify(jwk);
});

// One rotation leaves the token good, the next one does not.
const second = await rotate();
const bob = await token({ email: "bob@example.com" });
seen.rotated = [decodeProtectedHeader(bob).kid === second, (await verified(bob)).email, (await verified(ada)).email];
await rotate();
seen.rotatedAway = [(await verified(bob)).email, await verified(ada)];

console.log(JSON.stringify(seen));
