// What the server answers. Addresses are relative to the page, which is under the token.

async function answer(response) {
  if (response.ok) {
    return response.status === 204 ? null : response.json();
  }
  let said = null;
  try {
    said = await response.json();
  } catch {
    // Not JSON: the status has to do.
  }
  throw new Error(said?.error ?? `the server answered ${response.status} ${response.statusText}`);
}

function asset(id, what = "") {
  return `api/assets/${encodeURIComponent(id)}${what}`;
}

async function post(path, body) {
  const headers = { "Content-Type": "application/json" };
  return answer(await fetch(path, { method: "POST", headers, body: JSON.stringify(body ?? {}), keepalive: true }));
}

export const library = async () => answer(await fetch("api/library"));
export const running = async () => answer(await fetch("api/running"));
export const space = async () => answer(await fetch("api/space"));
export const inspect = async (id) => answer(await fetch(asset(id)));
export const pause = (id) => post(asset(id, "/pause"));
export const resume = (id) => post(asset(id, "/resume"));
export const remove = (id) => post(asset(id, "/remove"));
export const setPolicy = (id, policy) => post(asset(id, "/policy"), policy);
export const setPosition = (id, seconds) => post(asset(id, "/position"), { seconds });
export const playlist = (id) => `assets/${encodeURIComponent(id)}/index.m3u8`;
export const artwork = (id) => `assets/${encodeURIComponent(id)}/artwork`;
