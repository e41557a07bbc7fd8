// A tenant in miniature: everything that a tenant's Worker is bound to, and nothing else.
import { DurableObject } from "cloudflare:workers";
import page from "./loading.html";

export class Sandbox extends DurableObject {
  async fetch() {
    return new Response("sandbox");
  }
}

export default {
  async fetch(request, env) {
    if (new URL(request.url).pathname === "/loading") return new Response(page);
    return new Response(`this is ${env.ENVIRONMENT}`);
  },
  async scheduled() {},
};
