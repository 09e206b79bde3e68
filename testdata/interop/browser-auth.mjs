// Refusal and login in examples/auth: node browser-auth.mjs URL TOKEN [DIR for screenshots]
import { launch } from "./browser.mjs";
import { check, done } from "./check.mjs";

const [url, token, shots] = process.argv.slice(2);
const browser = await launch();
const shoot = (page, name) => shots && page.screenshot({ path: `${shots}/${name}.png`, fullPage: true });
const shown = (page, selector, text) => page.locator(selector, { hasText: text }).first().waitFor();

const ann = await browser.open(url);
await ann.route("**/socket.io.js", (request) => request.abort());
await ann.reload();
await shown(ann, "#message", "could not be loaded");
check("nobody connects without the client", await ann.isDisabled("#connect"), true);
await ann.unroute("**/socket.io.js");
await ann.reload();
await ann.click("#connect");
await shown(ann, "#message", "not logged in");
check("the refusal's message is shown", await ann.textContent("#message"), "Not logged in.");
check("and its data", await ann.textContent("#hint"), "Log in as ann or bob.");
check("there is no connection", await ann.textContent("#state"), "refused");
await shoot(ann, "auth-refused-desktop");

const login = async (page, name, password) => {
  await page.fill("#login [name=name]", name);
  await page.fill("#login [name=password]", password);
  await Promise.all([page.waitForURL(/\/$|wrong/), page.click("#login button")]);
};
await login(ann, "ann", "banana");
await shown(ann, "#wrong", "not the password");
await login(ann, "ann", "apple");
await shown(ann, "#user", "ann");
check("scripts do not see the session", await ann.evaluate(() => document.cookie), "");
await ann.click("#connect");
await shown(ann, "#state", "connected as ann");

const robot = await browser.open(url, { width: 390, height: 844 }, { isMobile: true, hasTouch: true, colorScheme: "dark" });
await robot.fill("#token", "guessed");
await robot.click("#connect");
await shown(robot, "#message", "wrong token");
await shoot(robot, "auth-refused-phone");
await robot.fill("#token", token);
await robot.click("#connect");
await shown(robot, "#state", "connected as robot");
await shown(ann, "#log", "robot has connected");

await robot.fill("#say input", "<b>beep</b>");
await robot.click("#say button:not(.quiet)");
await shown(ann, "#log li", "robot: <b>beep</b>");
check("the server says who said it", await ann.locator("#log li").last().textContent(), "robot: <b>beep</b>");
await robot.fill("#say input", "all hands");
await robot.click("#announce");
await shown(robot, "#problem", "log in to announce");
await ann.fill("#say input", "Dinner is ready");
await ann.click("#announce");
await shown(robot, "#log .loud", "Dinner is ready");
check("the server says who announced it", await robot.textContent("#log .loud"), "ann: Dinner is ready");
await shoot(ann, "auth-desktop");
await shoot(robot, "auth-phone");

// The logout ends the sockets of this page and of another in the same browser.
const second = await ann.context().newPage();
await second.goto(url);
await second.click("#connect");
await shown(second, "#state", "connected as ann");
await ann.click("#logout button");
await shown(ann, "#log", "the server has ended the connection");
await ann.locator("#login").waitFor();
await shoot(ann, "auth-logged-out-desktop");
await shown(second, "#log", "the server has ended the connection");
check("the logout ends the sockets", await second.textContent("#state"), "not connected");

await browser.close();
done();
