// socket.io-client 2.x at a server that does not serve it.
import { check, done } from "./check.mjs";
import { connect, once } from "./client.mjs";

const socket = connect("/");
socket.on("connect", () => check("is not connected", false, true));
const [error] = await once(socket, "connect_error");
check("an error", error instanceof Error, true);
check("nor does it think so", socket.connected, false);
done();
