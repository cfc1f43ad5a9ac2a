// The entry of every npm script. It needs nothing but Node: it installs what is missing, builds what is stale and then
// runs what was asked for. This file must stay readable for old releases of Node, so that they get the message.
const [major, minor] = process.versions.node.split(".").map(Number);

if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    `Benchfarm needs Node 20.19 or newer; this is Node ${process.versions.node} (${process.execPath}).\n` +
      "Get a current release from https://nodejs.org and try again.",
  );
  process.exitCode = 1;
} else {
  import("./bootstrap/dispatch.mjs")
    .then(({ dispatch }) => dispatch(process.argv[2], process.argv.slice(3)))
    .catch((error) => {
      console.error(error && error.expected ? error.message : error);
      process.exitCode = 1;
    });
}
