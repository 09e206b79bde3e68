// Two people in examples/chat: node browser-chat.mjs URL [DIR for screenshots]
import { launch } from "./browser.mjs";
import { check, done } from "./check.mjs";

const [url, shots] = process.argv.slice(2);
const browser = await launch();
const shoot = (page, name) => shots && page.screenshot({ path: `${shots}/${name}.png` });

const texts = (page, selector) => page.locator(selector).allTextContents();
const enter = async (page, name, room) => {
  await page.fill("#name", name);
  await page.fill("#room", room);
  await page.click("#enter button");
};
const say = async (page, text) => {
  await page.fill("#say textarea", text);
  await page.press("#say textarea", "Enter");
};
// shown waits until the text stands there.
const shown = (page, selector, text) => page.locator(selector, { hasText: text }).first().waitFor();

const ann = await browser.open(url);
await ann.route("**/socket.io.js", (request) => request.abort());
await ann.reload();
await shown(ann, "#refusal", "could not be loaded");
await shoot(ann, "client-missing-desktop");
check("nobody enters without the client", await ann.isDisabled("#enter button"), true);
await ann.unroute("**/socket.io.js");
await ann.reload();
await shoot(ann, "door-desktop");
await enter(ann, "   ", "kitchen");
await shown(ann, "#name-problem", "The name is empty");
check("an empty name is refused below its field", await texts(ann, "#enter .error"), ["The name is empty.", "", ""]);
check("the refused field is marked", await ann.getAttribute("#name", "aria-invalid"), "true");
await shoot(ann, "refusal-desktop");
await enter(ann, "Ann", "r".repeat(25));
await shown(ann, "#room-problem", "longer than 24");
check("a long room is refused below its field", await texts(ann, "#enter .error"), ["", "The room is longer than 24 characters.", ""]);
check("the other field is no longer marked", await ann.getAttribute("#name", "aria-invalid"), "false");
await enter(ann, " Ann \u202e ", "kitchen");
await shown(ann, "#people .name", "Ann");
check("the name is trimmed", await texts(ann, "#people .name"), ["Ann"]);

const bob = await browser.open(url, { width: 390, height: 844 }, { hasTouch: true, isMobile: true, colorScheme: "dark" });
await shoot(bob, "door-phone");
const html = "<img src=x onerror=alert(1)>";
await enter(bob, html.slice(0, 24), "kitchen");
await shown(ann, "#log", "has come in");
check("both are listed", await texts(ann, "#people .name"), ["Ann", html.slice(0, 24)]);
check("the newcomer sees both", await texts(bob, "#people .name"), ["Ann", html.slice(0, 24)]);
check("the rooms are counted", await texts(ann, "#rooms .badge"), ["2"]);

await ann.locator("#say textarea").pressSequentially("Hell");
await shown(bob, "#typing", "Ann is typing");
check("typing is shown to the other", await bob.textContent("#typing"), "Ann is typing…");
check("typing is not shown to oneself", await ann.textContent("#typing"), "");
await shoot(bob, "typing-phone");
await say(ann, "Hello! 👋 What is for dinner?");
await shown(bob, "#log .text", "Hello!");
check("a message ends the typing", await bob.textContent("#typing"), "");
await say(bob, html);
await shown(ann, "#log .text", "<img");
check("markup stays text", await texts(ann, "#log .text"), ["Hello! 👋 What is for dinner?", html]);
check("no element came of it", await ann.locator("#log img").count(), 0);
await say(bob, "Two lines\n  of a longer message that goes on for a while, so that it has to wrap on a phone and on a desktop shows how far a line may go before it becomes hard to read.");
await say(bob, "w".repeat(120));
await ann.fill("#say textarea", "A long message,\n\n\nstill being written.");
await shoot(ann, "long-desktop");
const height = async (selector) => (await ann.locator(selector).boundingBox()).height;
check("Send does not grow with the message", (await height("#say button")) < (await height("#say textarea")), true);
await say(ann, "Soup.");
await shown(bob, "#log .text", "Soup.");
await say(ann, "   ");
await shown(ann, "#problem", "The message is empty");
await shoot(ann, "chat-desktop");
await shoot(bob, "chat-phone");

await ann.fill("#move input", "garden");
await ann.click("#move button");
await shown(bob, "#log", "Ann has left");
await shown(ann, "#title", "garden");
await say(bob, "Are you there?");
await shown(bob, "#log .text", "Are you there?");
check("the other room is not heard", await texts(ann, "#log .text"), []);
check("the room is left", await texts(bob, "#people .name"), [html.slice(0, 24)]);
check("both rooms are listed", (await texts(ann, "#rooms .name")).sort(), ["garden", "kitchen"]);
await bob.click("#menu");
await bob.waitForTimeout(250); // for the screenshot: the drawer slides
await shoot(bob, "side-phone");
await bob.locator("#rooms button", { hasText: "garden" }).click();
await shown(ann, "#log", "has come in");
await bob.context().close();
await shown(ann, "#log", "has left");
check("who is gone is not listed", await texts(ann, "#people .name"), ["Ann"]);

await browser.close();
done();
