// The service worker of the folder python/: what has been loaded from there once comes from here, network or not. Its
// names hold hashes, so that what is kept is never old; what the site no longer has is thrown away.

const KEPT = "python-in-the-page";
const NAMES = []; // put in by the build
const POLICY = []; // put in by the build

const ours = (url) => NAMES.some((name) => url === new URL(name, self.registration.scope).href);

// Only the worker compiles WebAssembly, so that it alone may; and it may ask nobody but the site.
function governed(response) {
  const headers = new Headers(response.headers);
  headers.set("Content-Security-Policy", POLICY.join("; "));
  headers.delete("Content-Encoding");
  headers.delete("Content-Length");
  return new Response(response.body, { status: response.status, headers });
}

async function answer(request) {
  const kept = await caches.open(KEPT);
  let response = await kept.match(request.url);
  if (!response) {
    response = await fetch(request);
    // A browser that has no room left for it does without.
    if (response.ok) await kept.put(request.url, response.clone()).catch(() => {});
  }
  return request.destination === "worker" ? governed(response) : response;
}

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => {
  const tidy = async () => {
    const kept = await caches.open(KEPT);
    for (const { url } of await kept.keys()) if (!ours(url)) await kept.delete(url);
    await self.clients.claim();
  };
  event.waitUntil(tidy());
});
self.addEventListener("fetch", (event) => {
  if (event.request.method === "GET" && ours(event.request.url)) event.respondWith(answer(event.request));
});
