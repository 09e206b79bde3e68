// What the scripts report with: one JSON line for each check, and one at the
// end. The Go test that runs a script reads them.

const say = (line) => console.log(JSON.stringify(line));

// canonical writes a value so that equal values are equal texts.
const canonical = (value) => JSON.stringify(value, (key, v) => {
  if (v?.type === "Buffer") return { bytes: v.data };
  if (v instanceof ArrayBuffer) return { bytes: [...new Uint8Array(v)] };
  if (ArrayBuffer.isView(v)) return { bytes: [...v] };
  if (v && typeof v === "object" && !Array.isArray(v)) {
    return Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1)));
  }
  return v === undefined ? "undefined" : v;
});

// check reports whether got is want.
export function check(name, got, want) {
  const [a, b] = [canonical(got), canonical(want)];
  say(a === b ? { check: name, ok: true } : { check: name, ok: false, got: a, want: b });
}

// tell lets the Go test know that the script has come so far.
export const tell = (step) => say({ step });

// done says that the script has run to its end, and ends it.
export function done() {
  say({ done: true });
  process.exit();
}
